#include "probe/destination.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "probe/provider.h"
#include "verdict/event.h"
#include "verdict/reason.h"

namespace verifyd {
namespace {

// How often one address is asked about again because what was said was about the session.
constexpr int kMaxAgain = 5;
// Open domain breakers that agree that it is the destination, not the domain.
constexpr int kAgreeingDomains = 3;
constexpr size_t kMaxDomains = 1000;
constexpr size_t kMaxStateName = 450;  // as what keeps it takes

// The operator's own server is tried again soon: people wait for its addresses. Others are left in peace.
constexpr BreakerPause kOwnFailure = {absl::Seconds(5), absl::Minutes(1)};
constexpr BreakerPause kOwnRefusal = {absl::Seconds(30), absl::Minutes(15)};
constexpr BreakerPause kPublicFailure = {absl::Minutes(1), absl::Hours(1)};
constexpr BreakerPause kPublicRefusal = {absl::Minutes(5), absl::Hours(4)};

// Does it make sense to ask the next server, too? As Postfix does: after what is temporary, and after a 5yz greeting
// (smtp_skip_5xx_greeting). A 5yz behind the greeting counts for the whole MX group: other servers of the same people
// would say the same, and asking them all would not make us any better liked.
bool WorthAnotherServer(const Finding& finding, const ProbeSettings& settings) {
  if (finding.code == 0) return true;
  if (finding.definite() && finding.scope == Scope::kAddress) return false;
  switch (finding.code / 100) {
    case 2:
      return false;
    case 5:
      if (finding.stage == Stage::kBanner) return settings.skip_5xx_greeting;
      return RowOf(finding.reason).retry == RetryClass::kNextMx;
    default:
      return true;
  }
}

// Of several servers' findings the one that says most is reported: a reply to RCPT before other replies, those before
// events.
int Weight(const Finding& finding) {
  if (finding.code == 0) return 0;
  return finding.stage >= Stage::kRcpt ? 2 : 1;
}

bool HeldAConversation(const Finding& finding) { return finding.code != 0 && finding.stage >= Stage::kMail; }

// Told to stay away, or to come slower.
bool IsRefusalOfUs(Reason reason) {
  switch (RowOf(reason).cache_class) {
    case CacheClass::kMxBackoff:
    case CacheClass::kMxBlock:
    case CacheClass::kCircuitOpen:
      return true;
    default:
      return false;
  }
}

// What is said of our address holds for every domain there; other policies may be those of one tenant.
bool IsAboutOurAddress(Reason reason) {
  return reason == Reason::kBlockedIp || reason == Reason::kBlockedDynamicIp || reason == Reason::kBlockedRdns;
}

// Said so plainly that it need not be heard twice. Other refusals may have to do with the one address that was asked
// about, whatever they say: they count like failures.
bool IsPlain(Reason reason) {
  return IsAboutOurAddress(reason) || reason == Reason::kRateLimited || reason == Reason::kBlockedGeo ||
         reason == Reason::kBlockedHelo;
}

std::string StateNameOf(absl::string_view destination, absl::string_view domain) {
  return absl::StrCat(destination, " ", domain);
}

Finding EventFinding(Event event, absl::string_view text, absl::Time now) {
  return ToFinding(Classifier::Classify(event, Stage::kConnect), Stage::kConnect, text, now);
}

// Where a random address would only cost us goodwill: their answer is known, and they count who asks for nobody.
bool AnswersAreKnown(const std::string& host) {
  const std::string provider = ProviderOf(host);
  return provider == "google.com" || provider == "googlemail.com" || provider == "outlook.com" ||
         provider == "hotmail.com" || provider == "yahoodns.net";
}

bool WantsCatchAll(const ProbeJob& job) {
  switch (job.request.ask_catch_all) {
    case AskCatchAll::kNo:
      return false;
    case AskCatchAll::kOnConfiguredRoutes:
      return job.route.configured;
    case AskCatchAll::kAlways:
      return job.route.configured || !AnswersAreKnown(job.route.endpoints.front().host);
  }
  return false;
}

// A local part as people have them, which nobody has: pronounceable, long, never the same twice.
std::string RandomLocalPart(absl::BitGenRef random) {
  constexpr absl::string_view kConsonants = "bcdfghjklmnprstvw";
  constexpr absl::string_view kVowels = "aeiou";
  std::string local;
  for (int i = 0; i < 7; ++i) {
    local.push_back(kConsonants[absl::Uniform<size_t>(random, 0, kConsonants.size())]);
    local.push_back(kVowels[absl::Uniform<size_t>(random, 0, kVowels.size())]);
  }
  absl::StrAppend(&local, absl::Uniform(random, 10, 100));
  return local;
}

}  // namespace

Busy::Busy(std::shared_ptr<Destinations> all) : all_(std::move(all)) { ++all_->busy_; }

Busy::~Busy() {
  if (all_ != nullptr && --all_->busy_ == 0 && all_->when_idle_) std::exchange(all_->when_idle_, nullptr)();
}

Destination::Destination(Destinations& all, DestinationState state)
    : all_(all),
      name_(state.name),
      pace_(all.loop_, 1),
      arrived_(all.loop_),
      breaker_(std::move(state)),
      idle_since_(all.loop_.clock().Mono()) {}

void Destination::RestoreDomain(const std::string& domain, DestinationState state) {
  domains_.emplace(domain, std::make_unique<Breaker>(std::move(state)));
}

bool Destination::blank(absl::Time now) const {
  return breaker_.blank(now) &&
         std::all_of(domains_.begin(), domains_.end(), [now](const auto& entry) { return entry.second->blank(now); });
}

void Destination::Ask(std::unique_ptr<ProbeJob> job) {
  const ProbeSettings& settings = *job->settings;
  pace_.SetLimit(job->route.configured ? settings.configured_destination_concurrency
                                       : settings.destination_concurrency);
  job->tried.assign(job->route.endpoints.size(), false);
  job->sessions_left = settings.mx_session_limit > 0 ? settings.mx_session_limit : INT32_MAX;
  if (!LetIn(*job)) return;
  job->expiry.emplace(all_.loop_.timers());
  job->expiry->SetAt(job->request.deadline, [this, waiting = job.get()] { Expire(*waiting); });
  Enqueue(std::move(job), ProbeQueue::End::kBack);
}

void Destination::Enqueue(std::unique_ptr<ProbeJob> job, ProbeQueue::End end) {
  job->queued = all_.loop_.clock().Mono();
  queue_.Add(std::move(job), end);
  ++all_.counters_->queued_now;
  if (!arrived_.NotifyOne()) StartWorker();
}

void Destination::StartWorker() {
  if (queue_.empty() || worker_waits_) return;
  worker_waits_ = true;
  ++workers_;
  all_.loop_.Spawn(Work(Busy(all_.shared_from_this())));
}

boost::asio::awaitable<void> Destination::Work(Busy busy) {
  co_await pace_.Acquire(MonoTime::InfiniteFuture());
  worker_waits_ = false;
  std::shared_ptr<Session> session;
  MonoTime opened;
  for (;;) {
    if (queue_.empty()) {
      if (session == nullptr) break;
      const bool called = co_await AwaitArrival();
      if (!called && queue_.empty()) break;
      continue;
    }
    if (session != nullptr && !Keep(*session, *queue_.Front(), opened)) {
      all_.loop_.Spawn(Leave(std::exchange(session, nullptr), Busy(all_.shared_from_this())));
    }
    Batch batch = TakeBatch(session.get());
    StartWorker();
    if (session == nullptr) {
      opened = all_.loop_.clock().Mono();
      session = co_await Open(batch);
    }
    if (session != nullptr) {
      const bool worn_out = co_await Serve(batch, *session);
      if (worn_out || !session->ready() || all_.loop_.clock().Mono() < tarpit_until_) {
        if (queue_.empty()) break;
        all_.loop_.Spawn(Leave(std::exchange(session, nullptr), Busy(all_.shared_from_this())));
      }
    }
  }
  // The answers are on their way; the connection counts until it is closed.
  if (session != nullptr) co_await Leave(std::move(session), Busy(all_.shared_from_this()));
  pace_.Release();
  if (--workers_ > 0) co_return;
  idle_since_ = all_.loop_.clock().Mono();
  all_.BecameIdle();
}

boost::asio::awaitable<bool> Destination::AwaitArrival() {
  if (all_.draining_ || all_.connection_idle_time_ == absl::ZeroDuration()) co_return false;
  const bool called = co_await arrived_.Wait(all_.loop_.clock().Mono() + all_.connection_idle_time_);
  co_return called && !all_.draining_;
}

// Whether the front of the queue can be asked on this connection.
bool Destination::Keep(const Session& session, const ProbeJob& job, MonoTime opened) const {
  return session.ready() && !job.transcript.wanted() && session.Serves(job.request.identity, job.settings) &&
         job.ServerAt(session.endpoint()).has_value() &&
         all_.loop_.clock().Mono() - opened < job.settings->connection_reuse_time_limit;
}

size_t Destination::BatchLimit(const ProbeJob& lead) const {
  // Who asks with the null sender, as bounces do, has one recipient; who wants to see a dialogue has it alone.
  if (lead.request.identity.sender.empty() || lead.transcript.wanted()) return 1;
  if (all_.loop_.clock().Mono() < tarpit_until_) return 1;
  // DATA ends a transaction.
  if (lead.settings->AsksData(lead.route.endpoints.front().protocol)) return 1;
  const size_t configured = lead.settings->destination_recipient_limit;
  return std::min({batch_, batch_limit_, configured > 0 ? configured : SIZE_MAX});
}

Destination::Batch Destination::TakeBatch(const Session* session) {
  const ProbeJob& lead = *queue_.Front();
  const Endpoint endpoint = session != nullptr ? session->endpoint() : lead.route.endpoints[*lead.NextServer()];
  Batch batch = queue_.TakeBatch(BatchLimit(lead), [&](const ProbeJob& other) {
    return !other.transcript.wanted() && other.FitsWith(lead) && other.ServerAt(endpoint).has_value();
  });
  all_.counters_->queued_now -= batch.size();
  const MonoTime now = all_.loop_.clock().Mono();
  for (const auto& job : batch) job->outcome.delays.queue += now - job->queued;
  return batch;
}

// Until when a session may serve the batch. Those whose deadline that is leave it to the session, which says better
// where the time went.
MonoTime Destination::LastDeadline(const Batch& batch) {
  MonoTime last;
  for (const auto& job : batch) last = std::max(last, job->request.deadline);
  for (const auto& job : batch) {
    if (job->request.deadline == last) job->expiry->Cancel();
  }
  return last;
}

// Null where the server does not talk to us; the batch is then dealt with, and empty.
boost::asio::awaitable<std::shared_ptr<Session>> Destination::Open(Batch& batch) {
  const Clock& clock = all_.loop_.clock();
  ProbeJob& lead = *batch.front();
  const auto session = std::make_shared<Session>(all_.loop_, lead.NextEndpoints(), lead.request.identity, lead.settings,
                                                 lead.classifier);
  const MonoTime deadline = LastDeadline(batch);
  const MonoTime began = clock.Mono();
  const std::optional<Finding> refusal = co_await session->Open(all_.dialer_, deadline, lead.transcript);
  for (const auto& job : batch) {
    job->outcome.delays.connect += clock.Mono() - began;
    if (session->greeted()) --job->sessions_left;
    for (const Endpoint& endpoint : session->unreachable()) job->NoteTried(endpoint);
  }
  if (session->connected()) {
    ++all_.counters_->connections;
    ++all_.counters_->sessions_now;
  }
  if (!refusal.has_value()) co_return session;
  for (auto& job : std::exchange(batch, {})) Conclude(std::move(job), session->endpoint(), *refusal);
  all_.loop_.Spawn(Leave(session, Busy(all_.shared_from_this())));
  co_return nullptr;
}

// True where the server would not even take the first: this connection is of no more use.
boost::asio::awaitable<bool> Destination::Serve(Batch& batch, Session& session) {
  const Clock& clock = all_.loop_.clock();
  const MonoTime began = clock.Mono();
  std::vector<Enquiry> enquiries;
  enquiries.reserve(batch.size());
  for (const auto& job : batch) {
    Enquiry& enquiry = enquiries.emplace_back();
    enquiry.address = &job->request.address;
    enquiry.transcript = &job->transcript;
  }
  const MonoTime deadline = LastDeadline(batch);
  size_t first_again = batch.size();
  bool too_many = false;
  co_await session.Ask(absl::MakeSpan(enquiries), deadline, [&](Enquiry& enquiry) {
    const auto index = static_cast<size_t>(&enquiry - enquiries.data());
    std::unique_ptr<ProbeJob>& job = batch[index];
    job->outcome.delays.dialogue += enquiry.answered - began;
    if (enquiry.again) {
      first_again = std::min(first_again, index);
      too_many |= enquiry.finding->reason == Reason::kTooManyRecipients;
    } else if (!WantsCatchAll(*job) || !enquiry.finding->definite()) {
      Conclude(std::move(job), session.endpoint(), *std::move(enquiry.finding));
    } else {
      job->target = std::move(enquiry.finding);
    }
  });
  AdaptBatch(batch.size(), first_again, too_many, session.longest_gap());
  co_await ServeCatchAll(batch, session);
  for (size_t i = batch.size(); i-- > 0;) {
    std::unique_ptr<ProbeJob>& job = batch[i];
    if (job == nullptr || job->answered()) continue;
    const bool enough = ++job->again > kMaxAgain || clock.Mono() >= job->request.deadline;
    if (enough && enquiries[i].finding.has_value()) {
      Conclude(std::move(job), session.endpoint(), *std::move(enquiries[i].finding));
      continue;
    }
    if (!job->expiry->set()) {
      job->expiry->SetAt(job->request.deadline, [this, waiting = job.get()] { Expire(*waiting); });
    }
    Enqueue(std::move(job), ProbeQueue::End::kFront);
  }
  co_return first_again == 0;
}

// Those whose target has been answered, and who want to know whether that says anything.
boost::asio::awaitable<void> Destination::ServeCatchAll(Batch& batch, Session& session) {
  CatchAll answer = CatchAll::kNotAsked;
  for (auto& job : batch) {
    if (job == nullptr || !job->target.has_value() || job->answered()) continue;
    // Who refuses one address does not take all.
    if (job->target->deliverability == Deliverability::kUndeliverable) answer = CatchAll::kNo;
    if (answer == CatchAll::kNotAsked) answer = co_await CatchAllOf(*job, session);
    job->outcome.catch_all = answer;
    Finding finding = *std::exchange(job->target, std::nullopt);
    Conclude(std::move(job), session.endpoint(), std::move(finding));
  }
}

// What is known already, or found out now. kNotAsked while another connection asks: nobody waits for that.
boost::asio::awaitable<CatchAll> Destination::CatchAllOf(ProbeJob& job, Session& session) {
  const std::string domain = job.domain();
  const MonoTime now = all_.loop_.clock().Mono();
  if (const auto known = catch_all_.find(domain); known != catch_all_.end()) {
    if (!known->second.has_value()) co_return CatchAll::kNotAsked;
    if (now - known->second->second < kCatchAllMemory) co_return known->second->first;
  }
  if (catch_all_.size() >= kMaxDomains) catch_all_.clear();
  catch_all_[domain] = std::nullopt;
  const CatchAll answer = co_await AskCatchAll(job, session);
  // What could not be told is worth another try with the next address.
  if (answer == CatchAll::kCouldNotTell) {
    catch_all_.erase(domain);
  } else {
    catch_all_[domain] = std::pair(answer, all_.loop_.clock().Mono());
  }
  co_return answer;
}

// A first yes may be an accident (a server that stopped looking, a name that exists): a second one must agree.
boost::asio::awaitable<CatchAll> Destination::AskCatchAll(ProbeJob& job, Session& session) {
  CatchAll first = CatchAll::kNotAsked;
  for (int sample = 0; sample < 2; ++sample) {
    const absl::StatusOr<Address> random =
        Address::FromUnquoted(absl::StrCat(RandomLocalPart(all_.random_), "@", job.domain()));
    CatchAll answer = CatchAll::kCouldNotTell;
    if (random.ok() && session.ready()) {
      answer = co_await session.AskCatchAll(*random, job.request.deadline, job.transcript);
    }
    if (sample == 0 && answer != CatchAll::kYes) co_return answer;
    if (sample == 1 && answer == CatchAll::kNo) co_return CatchAll::kInconsistent;
    if (sample == 1) co_return answer;
    first = answer;
  }
  co_return first;
}

// `first_again`: the first of the batch that was not served, or its size.
void Destination::AdaptBatch(size_t size, size_t first_again, bool too_many, absl::Duration longest_gap) {
  if (longest_gap >= kTarpitGap) {
    tarpit_until_ = all_.loop_.clock().Mono() + kTarpitMemory;
    batch_ = 1;
  } else if (first_again < size) {
    batch_ = std::max<size_t>(first_again, 1);
    if (too_many) batch_limit_ = batch_;  // said in so many words: not provoked again
  } else if (size >= batch_ && batch_ < batch_limit_) {
    batch_ *= 2;
  }
}

boost::asio::awaitable<void> Destination::Leave(std::shared_ptr<Session> session, Busy busy) {
  if (!session->connected()) co_return;
  co_await session->Leave();
  --all_.counters_->sessions_now;
}

void Destination::Conclude(std::unique_ptr<ProbeJob> job, const Endpoint& endpoint, Finding finding) {
  if (job->answered()) return;
  job->conversed |= HeldAConversation(finding);
  job->NoteTried(endpoint);
  const bool refused_us = finding.scope == Scope::kUs && finding.code / 100 == 5;
  bool go_on = WorthAnotherServer(finding, *job->settings) || (refused_us && TryOtherProvider(*job, endpoint));
  // That nobody there hosts the domain counts only where every server says so.
  const bool relay_denied = finding.reason == Reason::kRelayDenied;
  job->relay_denied = relay_denied && job->relay_denied;
  go_on = go_on && job->NextServer().has_value() && (job->sessions_left > 0 || job->relay_denied) &&
          all_.loop_.clock().Mono() < job->request.deadline;
  if (!job->best.has_value() || Weight(finding) >= Weight(*job->best)) job->best = std::move(finding);
  if (!go_on) {
    Finding best = *std::exchange(job->best, std::nullopt);
    job->outcome.relay_denied_everywhere =
        job->relay_denied && !job->route.configured && !job->NextServer().has_value();
    if (relay_denied && job->route.configured) SayRelayDenied(*job, best);
    all_.NotePublicPort(*job, name_, best);
    Learn(*job, best);
    return Answer(*job, std::move(best));
  }
  ProbeJob* const waiting = job.get();
  waiting->expiry->SetAt(waiting->request.deadline, [this, waiting] { Expire(*waiting); });
  Enqueue(std::move(job), ProbeQueue::End::kFront);
}

// The operator's own route does not take mail for the domain: nobody can be verified there until he mends it.
void Destination::SayRelayDenied(const ProbeJob& job, const Finding& finding) {
  const MonoTime now = all_.loop_.clock().Mono();
  if (said_relay_denied_.has_value() && now - *said_relay_denied_ < absl::Hours(1)) return;
  said_relay_denied_ = now;
  LogWarning(
      absl::StrCat("route ", name_, " is misconfigured: it does not relay for ", job.domain(), ": ", finding.text));
}

// Who blocks us need not speak for others: once, a server of somebody else is asked.
bool Destination::TryOtherProvider(ProbeJob& job, const Endpoint& endpoint) {
  if (std::exchange(job.asked_other_provider, true)) return false;
  const std::string provider = ProviderOf(endpoint.host);
  for (size_t i = 0; i < job.route.endpoints.size(); ++i) {
    if (ProviderOf(job.route.endpoints[i].host) == provider) job.tried[i] = true;
  }
  return true;
}

void Destination::Expire(ProbeJob& job) {
  const std::unique_ptr<ProbeJob> queued = queue_.Remove(&job);
  const absl::Time now = all_.loop_.clock().Now();
  if (job.target.has_value()) return Answer(job, *std::exchange(job.target, std::nullopt));
  if (queued == nullptr) {  // on a connection, beside others who have more time
    return Answer(job, EventFinding(Event::kDeadline, absl::StrCat("no answer from ", name_, " in time"), now));
  }
  --all_.counters_->queued_now;
  job.outcome.delays.queue += all_.loop_.clock().Mono() - job.queued;
  if (job.best.has_value()) return Answer(job, *std::exchange(job.best, std::nullopt));
  // Not the servers were slow: there were too many before it.
  Answer(job, EventFinding(Event::kOverload, absl::StrCat("no connection to ", name_, " became free in time"), now));
}

void Destination::Answer(ProbeJob& job, Finding finding) {
  if (std::exchange(job.tries_domain, false)) BreakerOf(job.domain()).EndTrial();
  if (std::exchange(job.tries_destination, false)) breaker_.EndTrial();
  if (job.expiry.has_value()) job.expiry->Cancel();
  ProbeOutcome outcome = std::move(job.outcome);
  outcome.finding = std::move(finding);
  outcome.identity = job.request.identity;
  outcome.destination = name_;
  outcome.configured_route = job.route.configured;
  outcome.transcript = job.transcript.Take();
  std::exchange(job.answer, nullptr)(std::move(outcome));
}

// False: answered, as nobody is to be asked just now.
bool Destination::LetIn(ProbeJob& job) {
  const absl::Time now = all_.loop_.clock().Now();
  if (breaker_.held(now)) {
    Answer(job, OnHold());
    return false;
  }
  const auto domain = domains_.find(job.domain());
  if (domain != domains_.end()) {
    const Breaker::Gate gate = domain->second->Pass(now);
    if (gate == Breaker::Gate::kOpen) {
      Answer(job, Resting(domain->second->state()));
      return false;
    }
    job.tries_domain = gate == Breaker::Gate::kTrial;
  }
  const Breaker::Gate gate = breaker_.Pass(now);
  if (gate == Breaker::Gate::kOpen) {
    Answer(job, Resting(breaker_.state()));
    return false;
  }
  job.tries_destination = gate == Breaker::Gate::kTrial;
  return true;
}

Finding Destination::Resting(const DestinationState& state) const {
  const absl::Time now = all_.loop_.clock().Now();
  const absl::Duration left = std::max(state.open_until - now, absl::ZeroDuration());
  return ToFinding(
      ClassificationOf(state.open_reason, "breaker"), Stage::kConnect,
      absl::StrCat("not asked: ", state.name, " is left alone for ",
                   absl::FormatDuration(absl::Ceil(left, absl::Seconds(1))), " after ", ReasonName(state.open_reason)),
      now);
}

Finding Destination::OnHold() const {
  return ToFinding(ClassificationOf(Reason::kDestinationDoubted, "hold"), Stage::kConnect,
                   absl::StrCat("not asked: ", name_, " is on hold"), all_.loop_.clock().Now());
}

void Destination::Hold(absl::Time until) {
  breaker_.Hold(until);
  Report(breaker_.state());
}

Breaker& Destination::BreakerOf(const std::string& domain) {
  std::unique_ptr<Breaker>& breaker = domains_[domain];
  if (breaker == nullptr) {
    DestinationState state;
    state.name = StateNameOf(name_, domain);
    breaker = std::make_unique<Breaker>(std::move(state));
  }
  return *breaker;
}

void Destination::Learn(const ProbeJob& job, const Finding& finding) {
  const absl::Time now = all_.loop_.clock().Now();
  if (IsRefusalOfUs(finding.reason)) return Trip(job.domain(), job.route.configured, finding.reason);
  if (job.conversed) {
    if (const auto domain = domains_.find(job.domain()); domain != domains_.end()) {
      if (domain->second->NoteSuccess(now)) Report(domain->second->state());
      if (!job.tries_domain) domains_.erase(domain);
    }
    if (breaker_.NoteSuccess(now)) Report(breaker_.state());
  } else if (finding.scope != Scope::kUs || finding.code != 0) {  // not a fault of ours
    const BreakerPause& pause = job.route.configured ? kOwnFailure : kPublicFailure;
    if (breaker_.NoteFailure(finding.reason, pause, now, all_.random_)) Report(breaker_.state());
  }
}

// One tenant's policy must not silence a provider of millions: it takes three, or words about our address.
void Destination::Trip(const std::string& domain, bool configured, Reason reason) {
  const absl::Time now = all_.loop_.clock().Now();
  const BreakerPause& pause = configured ? kOwnRefusal : kPublicRefusal;
  if (domains_.size() >= kMaxDomains) {
    absl::erase_if(domains_, [now](const auto& entry) { return entry.second->blank(now); });
  }
  if (domains_.size() < kMaxDomains || domains_.contains(domain)) {
    Breaker& breaker = BreakerOf(domain);
    const bool changed = IsPlain(reason) ? breaker.Trip(reason, pause, now, all_.random_)
                                         : breaker.NoteFailure(reason, pause, now, all_.random_);
    if (changed) Report(breaker.state());
  }
  const auto agreeing =
      std::count_if(domains_.begin(), domains_.end(), [now](const auto& entry) { return entry.second->open(now); });
  if (IsAboutOurAddress(reason) || agreeing >= kAgreeingDomains) {
    if (breaker_.Trip(reason, pause, now, all_.random_)) Report(breaker_.state());
  }
}

void Destination::Report(const DestinationState& state) {
  if (all_.observer_ && state.name.size() <= kMaxStateName) all_.observer_(state);
}

Destinations::Destinations(Loop& loop, Dialer& dialer, std::shared_ptr<ProbeCounters> counters,
                           std::function<void(const DestinationState&)> observer)
    : loop_(loop),
      dialer_(dialer),
      counters_(std::move(counters)),
      observer_(std::move(observer)),
      forget_(loop.timers()) {}

void Destinations::Ask(std::unique_ptr<ProbeJob> job) {
  connection_idle_time_ = job->settings->connection_idle_time;
  Destination& destination = FindOrAdd(job->route.destination);
  destination.Ask(std::move(job));
}

// Where nobody's port 25 answers it is ours that is blocked, as hosting providers do.
void Destinations::NotePublicPort(const ProbeJob& job, const std::string& name, Finding& finding) {
  if (job.route.configured || job.settings->smtp_tcp_port != 25) return;
  if (finding.reason != Reason::kConnectTimeout) {
    if (job.conversed) unreached_.clear();
    return;
  }
  if (unreached_.size() < kUnreachedDestinations) unreached_.insert(name);
  if (unreached_.size() < kUnreachedDestinations) return;
  const Classification blocked = Classifier::Classify(Event::kPort25Blocked, Stage::kConnect);
  finding.reason = blocked.reason;
  finding.scope = blocked.scope;
  finding.rule = blocked.rule;
  const MonoTime now = loop_.clock().Mono();
  if (said_blocked_.has_value() && now - *said_blocked_ < absl::Hours(1)) return;
  said_blocked_ = now;
  LogError(absl::StrCat("the last ", kUnreachedDestinations,
                        " mail servers that were tried on port 25 did not answer: outgoing connections to port 25 seem "
                        "to be blocked here, nothing can be verified; ask whoever runs this network"));
}

Destination& Destinations::FindOrAdd(const std::string& name) {
  if (const auto found = by_name_.find(name); found != by_name_.end()) return *found->second;
  if (by_name_.size() >= kMaxDestinations) ForgetIdle(absl::ZeroDuration());
  DestinationState state;
  state.name = name;
  Destination& added = *by_name_.emplace(name, std::make_unique<Destination>(*this, std::move(state))).first->second;
  counters_->destinations_now = by_name_.size();
  return added;
}

void Destinations::Restore(std::vector<DestinationState> states) {
  for (DestinationState& state : states) {
    if (by_name_.size() >= kMaxDestinations) break;
    const std::string name = state.name;
    const size_t space = name.find(' ');
    if (space != std::string::npos) {
      FindOrAdd(name.substr(0, space)).RestoreDomain(name.substr(space + 1), std::move(state));
      continue;
    }
    by_name_.insert_or_assign(name, std::make_unique<Destination>(*this, std::move(state)));
  }
  counters_->destinations_now = by_name_.size();
  if (!by_name_.empty()) BecameIdle();
}

void Destinations::Hold(const std::string& name, absl::Time until) {
  FindOrAdd(name).Hold(until);
  BecameIdle();
}

void Destinations::WhenIdle(absl::AnyInvocable<void()> idle) {
  draining_ = true;
  for (const auto& [name, destination] : by_name_) destination->CloseIdle();
  if (busy_ == 0) return idle();
  when_idle_ = std::move(idle);
}

void Destinations::BecameIdle() {
  if (forget_.set()) return;
  forget_.SetAfter(kIdleTime, [this] { ForgetIdle(kIdleTime); });
}

void Destinations::ForgetIdle(absl::Duration idle_time) {
  const MonoTime now = loop_.clock().Mono();
  bool idle_left = false;
  absl::erase_if(by_name_, [&](const auto& entry) {
    if (!entry.second->idle()) return false;
    // What is left alone must not be forgotten, except to make room.
    const bool forget = now - entry.second->idle_since() >= idle_time &&
                        (idle_time == absl::ZeroDuration() || entry.second->blank(loop_.clock().Now()));
    idle_left |= !forget;
    return forget;
  });
  counters_->destinations_now = by_name_.size();
  if (idle_left) BecameIdle();
}

}  // namespace verifyd
