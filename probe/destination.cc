#include "probe/destination.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/random/distributions.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "classifier/reason.h"
#include "dns/provider.h"
#include "mail/event.h"
#include "mail/masked_text.h"
#include "probe/catch_all.h"

namespace verifyd {
namespace {

// An address is asked about again at most so often because the reply was about the session.
constexpr int kMaxAgain = 5;
// After so many times it is asked alone.
constexpr int kOftenAgain = 2;
// It waits at most so often because the server complained that we are too many, or too fast.
constexpr int kMaxThrottled = 8;
// A 421 behind so many addresses closes a session that lasted long enough for the server; before them it is a
// complaint.
constexpr size_t kWornOut = 50;
// The pause before the next attempt when this machine has no descriptor or port left.
constexpr absl::Duration kExhaustedPause = absl::Milliseconds(100);
constexpr size_t kMaxCatchAllDomains = 1000;

// Returns whether it makes sense to ask the next server, too. As in Postfix it does after a temporary failure, and
// after a 5yz greeting (smtp_skip_5xx_greeting). A 5yz behind the greeting counts for the whole MX group: other servers
// of the same people would say the same, and asking them all would not make us any better liked.
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

// Returns the weight of a finding; of several servers the weightiest is reported. A reply to RCPT weighs more than
// other replies, and those more than events.
int Weight(const Finding& finding) {
  if (finding.code == 0) return 0;
  return finding.stage >= Stage::kRcpt ? 2 : 1;
}

// A server that takes our MAIL is alive, whatever it makes of a recipient.
bool HeldAConversation(const Finding& finding) {
  return finding.stage >= Stage::kRcpt || (finding.code != 0 && finding.stage >= Stage::kMail);
}

// True if it is about the recipient, or its domain.
bool IsAnswer(const Finding& finding) {
  return finding.code != 0 && finding.at_recipient() &&
         (finding.scope == Scope::kAddress || finding.scope == Scope::kDomain);
}

// True if the session ended where the recipient's reply should have been.
bool EndedAtRecipient(const Finding& finding) {
  return finding.at_recipient() && (finding.code == 0 || finding.code == 421);
}

Finding EventFinding(Event event, absl::string_view text, absl::Time now) {
  return ToFinding(Classifier::Classify(event, Stage::kConnect), Stage::kConnect, text, now);
}

// Returns the kind of a worker: 0 for a list or a refresh, 1 for somebody who waits, 2 for the operator's own. A worker
// does not start to wait beside one of its kind, or of a higher one.
size_t KindOf(const SlotClaim& claim) { return !SessionSlots::Urgent(claim.urgency) ? 0 : claim.own ? 2 : 1; }

bool IsUnknownUser(const Finding& finding) {
  return finding.scope == Scope::kAddress && finding.deliverability == Deliverability::kUndeliverable;
}

}  // namespace

struct Destination::Round {
  Round(Destination& of, Batch& batch, Session& session)
      : of(of),
        batch(batch),
        session(session),
        began(of.all_.loop_.clock().Mono()),
        enquiries(batch.size()),
        first_again(batch.size()),
        watch(of.all_.loop_.timers()) {
    for (size_t i = 0; i < batch.size(); ++i) {
      enquiries[i].address = &batch[i]->request.address;
      enquiries[i].dialogue = &batch[i]->dialogue;
    }
  }
  ~Round() { std::erase(of.silent_, this); }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  Destination& of;
  Batch& batch;
  Session& session;
  const MonoTime began;
  std::vector<Enquiry> enquiries;  // one for each of the batch
  size_t first_again;              // the size of the batch: none
  bool too_many = false;
  bool slowed = false;
  bool ended = false;  // at a recipient; replies to those behind it are about it
  bool held_back = false;
  bool refuses_some = false;  // the server refused an address of the batch
  Timer watch;
};

std::string Destination::ProviderOfName(const std::string& name) { return ProviderOf(name.substr(0, name.find(','))); }

Destination::Destination(DestinationSet& all, DestinationState state)
    : all_(all),
      pace_(all.loop_, PaceLimits()),
      arrived_(all.loop_),
      breakers_(std::move(state), all.observer_),
      idle_since_(all.loop_.clock().Mono()) {
  pace_.Restore(breakers_.state().questions_per_second);
}

void Destination::Ask(std::unique_ptr<ProbeJob> job) {
  const ProbeSettings& settings = *job->settings;
  pace_.SetLimits(job->route.configured ? settings.configured_pace : settings.public_pace);
  job->tried.assign(job->route.endpoints.size(), false);
  job->sessions_left = settings.mx_session_limit > 0 ? settings.mx_session_limit : INT32_MAX;
  if (!LetIn(*job)) return;
  SkipDeadHosts(*job);
  job->expiry.emplace(all_.loop_.timers());
  job->expiry->SetAt(job->request.deadline, [this, waiting = job.get()] { Expire(*waiting); });
  Enqueue(std::move(job), ProbeQueue::End::kBack);
}

// Returns false if it answered the job, as nobody may be asked just now.
bool Destination::LetIn(ProbeJob& job) {
  const absl::Time now = all_.loop_.clock().Now();
  if (!job.own()) {
    const UnknownShare* const over = all_.unknown_shares_.OverBudget(
        job.domain(), job.request.asker, job.settings->unknown_budget, all_.loop_.clock().Mono());
    if (over != nullptr) {
      job.declined = true;
      Answer(job, ToFinding(ClassificationOf(Reason::kOverload, "budget.unknown"), Stage::kConnect,
                            absl::StrCat("not asked: ", over->unknown(), " of ", over->asked(), " addresses of ",
                                         job.domain(), " that were asked about within the hour do not exist"),
                            now));
      return false;
    }
  }
  std::optional<Finding> closed = breakers_.Pass(job, now);
  if (!closed.has_value()) return true;
  Answer(job, *std::move(closed));
  return false;
}

// Skips the dead hosts, unless all are dead: then the breaker says when they are asked.
void Destination::SkipDeadHosts(ProbeJob& job) {
  if (job.route.endpoints.size() < 2 || all_.dead_hosts_.size() == 0) return;
  const MonoTime now = all_.loop_.clock().Mono();
  size_t dead = 0;
  for (size_t i = 0; i < job.route.endpoints.size(); ++i) {
    job.tried[i] = all_.dead_hosts_.Dead(job.route.endpoints[i], now);
    if (job.tried[i]) ++dead;
  }
  if (dead == job.tried.size()) job.tried.assign(job.tried.size(), false);
  // A server that is skipped has not denied the relay.
  if (dead > 0) job.relay_denied = false;
}

void Destination::Enqueue(std::unique_ptr<ProbeJob> job, ProbeQueue::End end) {
  job->queued = all_.loop_.clock().Mono();
  // A job of the operator's domains does not wait behind jobs that others' limits and shares hold up.
  if (job->own() && (at_gate_ || worker_waits_[1])) end = ProbeQueue::End::kFront;
  queue_.Add(std::move(job), end);
  ++all_.counters_->queued_now;
  if (!arrived_.NotifyOne()) StartWorker();
  if (!silent_.empty()) MakeRoom();
}

void Destination::StartWorker() {
  if (queue_.empty()) return;
  const ProbeJob& front = *queue_.Front();
  if (at_gate_ && !front.own()) return;
  SlotClaim claim = ClaimFor(front);
  const size_t kind = KindOf(claim);
  if (std::any_of(worker_waits_.begin() + kind, worker_waits_.end(), [](bool waits) { return waits; })) return;
  worker_waits_[kind] = true;
  ++workers_;
  all_.loop_.Spawn(Work(Busy(all_.shared_from_this()), std::move(claim)));
}

// The server that is asked first tells the owner, as it has an address: an exchange without one may have anybody's
// name.
SlotClaim Destination::ClaimFor(const ProbeJob& job) {
  return {.urgency = job.request.urgency,
          .own = job.own(),
          .owner = job.route.configured ? job.route.destination : ProviderOf(job.route.endpoints.front().host)};
}

boost::asio::awaitable<void> Destination::Work(Busy busy, SlotClaim claim) {
  co_await AwaitTurn(claim);
  std::unique_ptr<Session> session;
  while (co_await ServeNext(session, claim)) {
  }
  // The answers are on their way; the connection counts until it is closed.
  if (session != nullptr) co_await Leave(*session);
  if (std::exchange(exhausted_, false)) co_await all_.loop_.Sleep(kExhaustedPause);
  EndWork(claim);
}

boost::asio::awaitable<void> Destination::AwaitTurn(const SlotClaim& claim) {
  co_await pace_.Acquire(MonoTime::InfiniteFuture());
  co_await all_.slots_.Acquire(claim);
  worker_waits_[KindOf(claim)] = false;
}

void Destination::EndWork(const SlotClaim& claim) {
  all_.slots_.Release(claim);
  pace_.Release();
  --workers_;
  StartWorker();  // for what is left, where this one was one too many
  if (workers_ > 0) return;
  idle_since_ = all_.loop_.clock().Mono();
  all_.BecameIdle();
}

// Serves the next batch on the present connection, or on a new one; or waits for what must come before. Returns false
// if there is nothing more to do.
boost::asio::awaitable<bool> Destination::ServeNext(std::unique_ptr<Session>& session, const SlotClaim& claim) {
  if (queue_.empty()) {
    if (session == nullptr) co_return false;
    const bool called = !session->contested() && co_await AwaitArrival();
    co_return called || !queue_.empty();
  }
  if (session == nullptr && (pace_.crowded() || exhausted_)) co_return false;
  AddressLimits::Place place;
  if (session == nullptr && !queue_.Front()->own()) {
    if (at_gate_) co_return false;  // one worker waits for all
    if (!co_await AwaitPlace(claim, place)) co_return true;
  }
  const size_t granted = pace_.TakeQuestions(BatchLimit(*queue_.Front(), session.get()));
  if (granted == 0) {
    const absl::Duration wait = pace_.NextQuestion() - all_.loop_.clock().Mono();
    if (session != nullptr && wait > all_.connection_idle_time_) LeaveSoon(session);
    place = AddressLimits::Place();
    co_await all_.loop_.Sleep(wait);
    co_return true;
  }
  if (session != nullptr && !Keep(*session, *queue_.Front())) {
    pace_.GiveBackQuestions(granted);
    LeaveSoon(session);
    co_return true;
  }
  Batch batch = TakeBatch(session.get(), granted);
  pace_.GiveBackQuestions(granted - batch.size());
  StartWorker();
  if (session == nullptr) session = co_await Open(batch, std::move(place));
  if (session == nullptr) co_return true;
  Round round(*this, batch, *session);
  Watch(round, kSilence);
  co_await session->Ask(
      absl::MakeSpan(round.enquiries), LastDeadline(batch),
      [this, &round](Enquiry& enquiry) { TakeAnswer(round, enquiry); }, FarewellFor(batch));
  NotePace(round);
  if (round.held_back) co_await ServeCatchAll(round);
  AskRestAgain(round);
  // Where the server would not take even the first, this connection is of no more use.
  if (round.first_again == 0 || !session->ready() || all_.loop_.clock().Mono() < tarpit_until_) {
    if (queue_.empty()) co_return false;
    LeaveSoon(session);
  }
  co_return true;
}

void Destination::Watch(Round& round, absl::Duration pause) {
  round.watch.SetAfter(pause, [this, &round] { Look(round); });
}

void Destination::Look(Round& round) {
  const absl::Duration longest = pace_.timed() ? std::max(kSilence, kSilentReplies * pace_.latency()) : kLongSilence;
  const absl::Duration silent = all_.loop_.clock().Mono() - round.session.silent_since();
  if (silent < longest) return Watch(round, longest - std::max(silent, absl::ZeroDuration()));
  const auto unanswered = std::count_if(round.enquiries.begin(), round.enquiries.end(),
                                        [](const Enquiry& enquiry) { return !enquiry.told; });
  if (unanswered > 1) return round.session.GiveUp();
  silent_.push_back(&round);
  MakeRoom();
}

// While others are queued, recipients without a reply hold at most half of the connections.
void Destination::MakeRoom() {
  while (!queue_.empty() && pace_.full() && silent_.size() > static_cast<size_t>(pace_.limit()) / 2) {
    Round* const longest = silent_.front();
    silent_.erase(silent_.begin());
    longest->session.GiveUp();
  }
}

// Returns false if another server's turn may have come while it waited. A worker that waits for a place has no slot,
// and one that waits for a slot has no place.
boost::asio::awaitable<bool> Destination::AwaitPlace(const SlotClaim& claim, AddressLimits::Place& place) {
  const ProbeJob& lead = *queue_.Front();
  const std::vector<Endpoint> endpoints = lead.NextEndpoints();
  const PaceLimits allowed = lead.settings->public_pace;
  if (all_.address_limits_.TryEnter(endpoints, allowed, place)) co_return true;
  const MonoTime deadline = lead.request.deadline;
  all_.slots_.Release(claim);
  at_gate_ = true;
  const bool entered = co_await all_.address_limits_.Enter(endpoints, allowed, claim.owner, deadline, place);
  at_gate_ = false;
  if (!all_.slots_.TryAcquire(claim)) {
    place = AddressLimits::Place();
    co_await all_.slots_.Acquire(claim);
    co_return false;
  }
  co_return entered && !queue_.empty() && place.IsFor(queue_.Front()->NextEndpoints());
}

void Destination::LeaveSoon(std::unique_ptr<Session>& session) {
  all_.loop_.Spawn(LeaveBehind(Busy(all_.shared_from_this()), std::move(session)));
}

boost::asio::awaitable<bool> Destination::AwaitArrival() {
  if (all_.draining_ || all_.connection_idle_time_ == absl::ZeroDuration() || all_.slots_.scarce()) co_return false;
  const bool called = co_await arrived_.Wait(all_.loop_.clock().Mono() + all_.connection_idle_time_);
  co_return called && !all_.draining_;
}

// Returns whether `job`, the front of the queue, can be asked on this connection.
bool Destination::Keep(const Session& session, const ProbeJob& job) const {
  return session.ready() && !job.dialogue.wanted() && !job.alone && RefusalsLeft(&session) > 0 &&
         (!session.contested() || session.asked() == 0) && session.Serves(job.request.identity, job.settings) &&
         (job.avoided_source.empty() || job.avoided_source != session.source()) &&
         job.ServerAt(session.endpoint()).has_value() &&
         all_.loop_.clock().Mono() - session.opened() < job.settings->connection_reuse_time_limit &&
         (session.source().empty() || !all_.sources_.resting(provider(), session.source(), all_.loop_.clock().Now()));
}

size_t Destination::RefusalsLeft(const Session* session) const {
  if (refusal_limit_ == SIZE_MAX || all_.loop_.clock().Mono() >= refusal_limit_until_) return SIZE_MAX;
  return refusal_limit_ - std::min(refusal_limit_, session == nullptr ? 0 : session->refused());
}

size_t Destination::BatchLimit(const ProbeJob& lead, const Session* session) const {
  // A question with the null sender has one recipient, as bounces have; a dialogue to be seen belongs to one address.
  if (lead.request.identity.sender.empty() || lead.dialogue.wanted() || lead.alone) return 1;
  if (all_.loop_.clock().Mono() < tarpit_until_) return 1;
  // DATA ends a transaction.
  if (lead.settings->AsksData(lead.route.endpoints.front().protocol)) return 1;
  const size_t configured = lead.settings->destination_recipient_limit;
  return std::min(
      {batch_, batch_limit_, configured > 0 ? configured : SIZE_MAX, std::max<size_t>(RefusalsLeft(session), 1)});
}

Destination::Batch Destination::TakeBatch(const Session* session, size_t limit) {
  const ProbeJob& lead = *queue_.Front();
  const Endpoint& endpoint = session != nullptr ? session->endpoint() : lead.route.endpoints[*lead.NextServer()];
  Batch batch = queue_.TakeBatch(limit, [&](const ProbeJob& other) {
    return !other.dialogue.wanted() && !other.alone && other.avoided_source == lead.avoided_source &&
           other.FitsWith(lead) && other.ServerAt(endpoint).has_value();
  });
  all_.counters_->queued_now -= batch.size();
  const MonoTime now = all_.loop_.clock().Mono();
  for (const auto& job : batch) job->delays.queue += now - job->queued;
  return batch;
}

// Returns until when a session may serve the batch. Jobs with that deadline leave it to the session, which says better
// where the time went.
MonoTime Destination::LastDeadline(const Batch& batch) {
  MonoTime last;
  for (const auto& job : batch) last = std::max(last, job->request.deadline);
  for (const auto& job : batch) {
    if (job->request.deadline == last) job->expiry->Cancel();
  }
  return last;
}

// Returns null if the server does not talk to us; the batch is then dealt with, and empty.
boost::asio::awaitable<std::unique_ptr<Session>> Destination::Open(Batch& batch, AddressLimits::Place place) {
  ProbeJob& lead = *batch.front();
  auto session = std::make_unique<Session>(all_.loop_, lead.NextEndpoints(), lead.request.identity, lead.settings,
                                           lead.classifier, SourcesFor(lead));
  // A job that comes again because it was hurried has all the time there is.
  if (lead.request.urgency != Urgency::kRetry) session->GiveWayTo(&all_.slots_);
  place.Use();
  session->Take(std::move(place));
  const MonoTime began = all_.loop_.clock().Mono();
  const std::unique_ptr<Finding> refusal = co_await session->Open(all_.dialer_, LastDeadline(batch), lead.dialogue);
  NoteOpened(batch, *session, refusal.get(), all_.loop_.clock().Mono() - began);
  if (refusal != nullptr) {
    TurnAway(batch, *session, *refusal);
    LeaveSoon(session);
  }
  co_return session;
}

void Destination::NoteOpened(Batch& batch, const Session& session, const Finding* refusal, absl::Duration took) {
  for (const auto& job : batch) {
    job->delays.connect += took;
    job->hurried |= session.hurried();
    if (session.greeted()) --job->sessions_left;
    if (session.exhausted()) continue;  // nothing was tried
    for (const Endpoint& endpoint : session.unreachable()) job->NoteTried(endpoint);
    job->source = session.source();
  }
  if (session.connected()) {
    ++all_.counters_->connections;
    ++all_.counters_->sessions_now;
    all_.dead_hosts_.NoteAlive(session.endpoint());
  }
  const bool our_fault = !session.connected() && refusal->scope == Scope::kUs;
  if (!session.exhausted() && !our_fault) {
    const MonoTime now = all_.loop_.clock().Mono();
    for (const Endpoint& endpoint : session.unreachable()) all_.dead_hosts_.NoteDead(endpoint, now);
  }
  if (refusal == nullptr) ++greeted_;
}

void Destination::TurnAway(Batch& batch, const Session& session, const Finding& refusal) {
  const bool exhausted = session.exhausted();
  if (exhausted) {
    exhausted_ = true;
    all_.NoteExhausted(refusal.text);
  }
  if (refusal.code != 0) ++all_.counters_->refused_connections;
  ProbeJob& lead = *batch.front();
  const bool again = exhausted || SlowDown(lead, refusal, session) || TryOtherSource(lead, refusal, session);
  for (auto& job : std::exchange(batch, {})) {
    if (again && !job->answered()) {
      if (!exhausted) ++job->throttled;
      AskAgain(std::move(job), ProbeQueue::End::kFront);
    } else {
      Conclude(std::move(job), session.endpoint(), std::make_unique<Finding>(refusal));
    }
  }
}

SourceAddresses Destination::SourcesFor(const ProbeJob& job) {
  const absl::Time now = all_.loop_.clock().Now();
  const std::vector<std::string>& ipv4 = job.settings->bind_addresses;
  const std::vector<std::string>& ipv6 = job.settings->bind_addresses6;
  SourceAddresses sources;
  if (!ipv4.empty() || !ipv6.empty()) {
    const std::string at = provider();
    const auto next = [&](const std::vector<std::string>& pool) {
      std::string source = all_.sources_.Next(at, pool, now);
      return source.empty() || source != job.avoided_source ? source : all_.sources_.Next(at, pool, now);
    };
    sources = {next(ipv4), next(ipv6)};
  }
  // A job that comes again, as greylisting wants it, comes from the same address.
  const std::string& wanted = job.request.identity.source_address;
  if (!wanted.empty()) (absl::StrContains(wanted, ':') ? sources.ipv6 : sources.ipv4) = wanted;
  return sources;
}

bool Destination::SlowDown(const ProbeJob& job, const Finding& finding, const Session& session) {
  const bool too_much = finding.reason == Reason::kRateLimited && finding.code / 100 == 4;
  if (!too_much && (finding.code != 421 || session.asked() >= kWornOut)) return false;
  if (finding.code == 421 && session.refused() > 0) {
    // The server bears so many refusals in a session, and then ends it: that says nothing about our pace.
    refusal_limit_ = session.refused();
    refusal_limit_until_ = all_.loop_.clock().Mono() + kRefusalMemory;
    return false;
  }
  if (job.throttled >= kMaxThrottled || all_.loop_.clock().Mono() >= job.request.deadline) return false;
  // Another server may well have a place for us.
  if (!session.greeted() && std::count(job.tried.begin(), job.tried.end(), false) > 1) return false;
  // The complaint may be about the one address, which is asked about once more.
  if (finding.at_recipient() && !BelieveComplaint(job)) return job.throttled == 0;
  const bool understood = session.greeted() ? pace_.NoteTooFast() : pace_.NoteTooManyConnections(greeted_);
  if (understood) Remember();
  return understood;
}

bool Destination::BelieveComplaint(const ProbeJob& job) {
  const MonoTime now = all_.loop_.clock().Mono();
  const Complaints::About about = complaints_.Judge(job.request.address, answers_, now);
  if (about != Complaints::About::kAddress) {
    slowed_by_few_ = about == Complaints::About::kFewDomains;
    return true;
  }
  if (slowed_by_few_ && answers_.Beside({RecentAnswers::HashOf(job.domain())}, now)) {
    // Another domain does not hear the complaint: it was about this one only.
    slowed_by_few_ = false;
    pace_.ForgetTooFast();
    Remember();
  }
  return false;
}

// Tries another of our addresses if the present one is blocked here.
bool Destination::TryOtherSource(ProbeJob& job, const Finding& finding, const Session& session) {
  if (!IsAboutOurAddress(finding.reason) || job.throttled >= kMaxThrottled || session.source().empty()) return false;
  const bool ipv6 = absl::StrContains(session.source(), ':');
  const auto& pool = ipv6 ? job.settings->bind_addresses6 : job.settings->bind_addresses;
  if (pool.size() < 2 || !job.request.identity.source_address.empty()) return false;
  if (!finding.at_recipient()) return Rest(job, session.source(), finding);
  // The reply may be about the one recipient: the answer that another of our addresses gets about it says more.
  if (!job.avoided_source.empty() || answers_.Any(all_.loop_.clock().Mono())) return false;
  job.avoided_source = session.source();
  return true;
}

bool Destination::Rest(const ProbeJob& job, const std::string& source, const Finding& finding) {
  const absl::Time now = all_.loop_.clock().Now();
  const std::string at = provider();
  const bool known = all_.sources_.resting(at, source, now);
  const bool ipv6 = absl::StrContains(source, ':');
  const bool left =
      all_.sources_.Rest(at, source, ipv6 ? job.settings->bind_addresses6 : job.settings->bind_addresses, now);
  if (known) return left;
  LogWarning(
      absl::StrCat(at, " blocks our address ", source, ": ", LoggedReply(finding.text, job.request.address.Key())));
  Remember();
  return left;
}

// If one of our addresses was told that it is blocked, and another gets an answer about the same recipient, the first
// rests.
void Destination::CompareSources(const ProbeJob& job, const Finding& finding, const Session& session) {
  if (job.avoided_source.empty() || session.source() == job.avoided_source || !IsAnswer(finding)) return;
  Rest(job, job.avoided_source, finding);
}

std::vector<RestingSource> Destination::Resting() const {
  if (!all_.sources_.any_resting()) return {};
  return all_.sources_.RestingAt(provider(), all_.loop_.clock().Now());
}

void Destination::Remember() {
  const double rate = pace_.kept_questions_per_second();
  std::vector<RestingSource> resting = Resting();
  const DestinationState& kept = breakers_.state();
  if (kept.questions_per_second != rate || kept.resting != resting) breakers_.Keep(rate, std::move(resting));
}

void Destination::AskAgain(std::unique_ptr<ProbeJob> job, ProbeQueue::End end) {
  if (!job->expiry->set()) {
    job->expiry->SetAt(job->request.deadline, [this, waiting = job.get()] { Expire(*waiting); });
  }
  Enqueue(std::move(job), end);
}

void Destination::TakeAnswer(Round& round, Enquiry& enquiry) {
  const Session& session = round.session;
  const auto index = static_cast<size_t>(&enquiry - round.enquiries.data());
  std::unique_ptr<ProbeJob>& job = round.batch[index];
  job->delays.dialogue += enquiry.answered - round.began;
  job->source = session.source();
  if (!silent_.empty() && std::erase(silent_, &round) > 0) Watch(round, kSilence);
  const Finding& finding = *enquiry.finding;
  const bool had_no_chance = std::exchange(round.ended, round.ended || EndedAtRecipient(finding));
  CompareSources(*job, finding, session);
  if (!had_no_chance && (SlowDown(*job, finding, session) || TryOtherSource(*job, finding, session))) {
    ++job->throttled;
    if (round.ended) AskAlone(*job);
    round.slowed = enquiry.again = true;
  } else if (!had_no_chance && round.ended && !job->alone && (enquiry.again || round.batch.size() > 1)) {
    round.first_again = index;
    AskAlone(*job);
    enquiry.again = true;
  } else if (enquiry.again) {
    round.first_again = std::min(round.first_again, index);
    round.too_many |= enquiry.finding->reason == Reason::kTooManyRecipients;
  } else if (!enquiry.finding->definite() || !WantsCatchAll(*job)) {
    Conclude(std::move(job), session.endpoint(), std::move(enquiry.finding));
  } else if (finding.deliverability == Deliverability::kUndeliverable) {
    // A server that refuses one address does not take all.
    round.refuses_some = true;
    job->catch_all = CatchAll::kNo;
    Conclude(std::move(job), session.endpoint(), std::move(enquiry.finding));
  } else {
    job->target = std::move(enquiry.finding);
    round.held_back = true;
    if (auto accepted = std::exchange(job->accepted, nullptr)) accepted(*job->target);
  }
}

// Puts the job behind all others: it may end the next session, too.
void Destination::AskAlone(ProbeJob& job) {
  job.alone = true;
  job.request.urgency = std::max(job.request.urgency, Urgency::kRefresh);
}

void Destination::NotePace(const Round& round) {
  const std::vector<Enquiry>& enquiries = round.enquiries;
  const auto answered = static_cast<size_t>(
      std::count_if(enquiries.begin(), enquiries.end(), [](const Enquiry& enquiry) { return !enquiry.again; }));
  const absl::Duration longest_gap = round.session.longest_gap();
  if (answered > 0) pace_.NoteAnswered(answered, longest_gap);
  const absl::Duration took = enquiries.back().answered - enquiries.front().answered;
  if (!round.slowed) {
    AdaptBatch(enquiries.size(), round.first_again, round.too_many, longest_gap, took);
  }
}

void Destination::AskRestAgain(Round& round) {
  for (size_t i = round.batch.size(); i-- > 0;) {
    std::unique_ptr<ProbeJob>& job = round.batch[i];
    if (job == nullptr || job->answered()) continue;
    if (!round.slowed) ++job->again;
    const bool enough = job->again > kMaxAgain || all_.loop_.clock().Mono() >= job->request.deadline;
    std::unique_ptr<Finding>& finding = round.enquiries[i].finding;
    if (enough && finding != nullptr) {
      Conclude(std::move(job), round.session.endpoint(), std::move(finding));
    } else {
      // A job that was hit so often may be hit by the same neighbours once more.
      job->alone |= job->again >= kOftenAgain;
      const bool waits_for_others = job->alone || job->throttled > 0;
      AskAgain(std::move(job), waits_for_others ? ProbeQueue::End::kBack : ProbeQueue::End::kFront);
    }
  }
}

// Where sessions are scarce this one is not kept: QUIT goes out with the batch, so that the end need not wait for the
// answers.
Farewell Destination::FarewellFor(const Batch& batch) const {
  const bool more = !all_.slots_.scarce() || !queue_.empty() || batch.front()->dialogue.wanted() ||
                    std::any_of(batch.begin(), batch.end(), [&](const auto& job) { return WantsCatchAll(*job); });
  return more ? Farewell::kNone : Farewell::kQuit;
}

// Serves the jobs whose target has been accepted and that want to know whether that says anything.
boost::asio::awaitable<void> Destination::ServeCatchAll(Round& round) {
  Session& session = round.session;
  CatchAll answer = round.refuses_some ? CatchAll::kNo : CatchAll::kNotAsked;
  for (auto& job : round.batch) {
    if (job == nullptr || job->target == nullptr || job->answered()) continue;
    if (answer == CatchAll::kNotAsked) answer = co_await CatchAllOf(*job, session);
    job->catch_all = answer;
    std::unique_ptr<Finding> finding = std::move(job->target);
    Conclude(std::move(job), session.endpoint(), std::move(finding));
  }
}

// Returns what is known already, or finds it out now. kNotAsked while another connection asks: nobody waits for that.
boost::asio::awaitable<CatchAll> Destination::CatchAllOf(ProbeJob& job, Session& session) {
  const std::string domain = job.domain();
  const MonoTime now = all_.loop_.clock().Mono();
  if (catch_all_ == nullptr) catch_all_ = std::make_unique<CatchAlls>();
  if (const auto known = catch_all_->find(domain); known != catch_all_->end()) {
    if (!known->second.has_value()) co_return CatchAll::kNotAsked;
    if (now - known->second->second < kCatchAllMemory) co_return known->second->first;
  }
  if (catch_all_->size() >= kMaxCatchAllDomains) catch_all_->clear();
  (*catch_all_)[domain] = std::nullopt;
  const CatchAll answer = co_await AskCatchAll(job, session);
  // If it could not be told, the next address is worth another try.
  if (answer == CatchAll::kCouldNotTell) {
    catch_all_->erase(domain);
  } else {
    (*catch_all_)[domain] = std::pair(answer, all_.loop_.clock().Mono());
  }
  co_return answer;
}

// A first yes may be an accident (a server that stopped looking, a name that exists): a second one must agree.
boost::asio::awaitable<CatchAll> Destination::AskCatchAll(ProbeJob& job, Session& session) {
  CatchAll first = CatchAll::kNotAsked;
  for (int sample = 0; sample < 2; ++sample) {
    const absl::StatusOr<Address> random = RandomAddress(job.domain(), all_.random_);
    CatchAll answer = CatchAll::kCouldNotTell;
    if (random.ok() && session.ready()) {
      answer = co_await session.AskCatchAll(*random, job.request.deadline, job.dialogue);
    }
    if (sample == 0 && answer != CatchAll::kYes) co_return answer;
    if (sample == 1 && answer == CatchAll::kNo) co_return CatchAll::kInconsistent;
    if (sample == 1) co_return answer;
    first = answer;
  }
  co_return first;
}

bool Destination::EnoughFor(size_t batches) const {
  return greeted_ >= kSeveralConnections && queue_.size() >= batches * batch_ * static_cast<size_t>(greeted_);
}

// `first_again`: the first of the batch that was not served, or its size. `took`: from the first reply to the last.
void Destination::AdaptBatch(size_t size, size_t first_again, bool too_many, absl::Duration longest_gap,
                             absl::Duration took) {
  if (longest_gap >= kTarpitGap) {
    tarpit_until_ = all_.loop_.clock().Mono() + kTarpitMemory;
    batch_ = 1;
  } else if (first_again < size) {
    batch_ = std::max<size_t>(first_again, 1);
    if (too_many) batch_limit_ = batch_;  // the server said so in words: not provoked again
  } else if (const absl::Duration most = kBatchTime * (EnoughFor(1) ? kLongBatch : 1); took > most) {
    batch_ = std::max<size_t>(static_cast<size_t>(static_cast<double>(size) * absl::FDivDuration(most, took)), 1);
  } else if (size >= batch_ && batch_ < batch_limit_ && 2 * took <= kBatchTime * (EnoughFor(4) ? kLongBatch : 1)) {
    batch_ *= 2;
  }
}

boost::asio::awaitable<void> Destination::LeaveBehind(Busy busy, std::unique_ptr<Session> session) {
  co_await Leave(*session);
}

boost::asio::awaitable<void> Destination::Leave(Session& session) {
  if (!session.connected()) co_return;
  if (session.greeted()) --greeted_;
  // The destination may be forgotten meanwhile, as nobody works here any more.
  ProbeCounters& counters = *all_.counters_;
  co_await session.Leave();
  --counters.sessions_now;
}

void Destination::Conclude(std::unique_ptr<ProbeJob> job, const Endpoint& endpoint, std::unique_ptr<Finding> finding) {
  if (job->answered()) return;
  job->conversed |= HeldAConversation(*finding);
  job->NoteTried(endpoint);
  const bool refused_us = finding->scope == Scope::kUs && finding->code / 100 == 5;
  bool go_on = WorthAnotherServer(*finding, *job->settings) || (refused_us && TryOtherProvider(*job, endpoint));
  // A denied relay counts as proof only where every server says so.
  const bool relay_denied = finding->reason == Reason::kRelayDenied;
  job->relay_denied = relay_denied && job->relay_denied;
  go_on = go_on && job->NextServer().has_value() && (job->sessions_left > 0 || job->relay_denied) &&
          all_.loop_.clock().Mono() < job->request.deadline;
  if (job->best == nullptr || Weight(*finding) >= Weight(*job->best)) job->best = std::move(finding);
  if (!go_on) {
    Finding best = *std::exchange(job->best, nullptr);
    job->relay_denied_everywhere = job->relay_denied && !job->route.configured && !job->NextServer().has_value();
    if (relay_denied && job->route.configured) SayRelayDenied(*job, best);
    all_.NotePublicPort(*job, breakers_.state(), best);
    NoteUnknown(*job, best);
    const MonoTime now = all_.loop_.clock().Mono();
    if (IsAnswer(best)) answers_.Note(job->domain(), now);
    // A greeting that was given up for others says nothing.
    const bool given_up = job->hurried && best.reason == Reason::kBannerTimeout;
    if (!given_up) {
      breakers_.Learn(*job, best, {.of_domain = answers_.Of(job->domain(), now), .anybody = answers_.Any(now)},
                      all_.loop_.clock().Now(), all_.random_);
    }
    return Answer(*job, std::move(best));
  }
  ProbeJob* const waiting = job.get();
  waiting->expiry->SetAt(waiting->request.deadline, [this, waiting] { Expire(*waiting); });
  Enqueue(std::move(job), ProbeQueue::End::kFront);
}

void Destination::NoteUnknown(const ProbeJob& job, const Finding& finding) {
  if (job.route.configured) return;
  const MonoTime now = all_.loop_.clock().Mono();
  const bool unknown = IsUnknownUser(finding);
  unknown_share_.Note(unknown, now);
  if (!job.own()) all_.unknown_shares_.Note(name(), job.domain(), job.request.asker, unknown, now);
}

// The operator's own route does not take mail for the domain: nobody can be verified there until he mends it.
void Destination::SayRelayDenied(const ProbeJob& job, const Finding& finding) {
  const MonoTime now = all_.loop_.clock().Mono();
  if (now < say_relay_denied_) return;
  say_relay_denied_ = now + absl::Hours(1);
  LogWarning(absl::StrCat("route ", name(), " is misconfigured: it does not relay for ", job.domain(), ": ",
                          LoggedReply(finding.text, job.request.address.Key())));
}

// A provider that blocks us need not speak for others: a server of somebody else is asked, once.
bool Destination::TryOtherProvider(ProbeJob& job, const Endpoint& endpoint) {
  if (std::exchange(job.asked_other_provider, true)) return false;
  const std::string blocking = ProviderOf(endpoint.host);
  for (size_t i = 0; i < job.route.endpoints.size(); ++i) {
    if (ProviderOf(job.route.endpoints[i].host) == blocking) job.tried[i] = true;
  }
  return true;
}

void Destination::Expire(ProbeJob& job) {
  const std::unique_ptr<ProbeJob> queued = queue_.Remove(&job);
  const absl::Time now = all_.loop_.clock().Now();
  if (job.target != nullptr) return Answer(job, *std::exchange(job.target, nullptr));
  if (queued == nullptr) {  // on a connection, beside others that have more time
    return Answer(job, EventFinding(Event::kDeadline, absl::StrCat("no answer from ", name(), " in time"), now));
  }
  --all_.counters_->queued_now;
  job.delays.queue += all_.loop_.clock().Mono() - job.queued;
  if (job.best != nullptr) return Answer(job, *std::exchange(job.best, nullptr));
  // The servers were not slow: too many jobs were before it.
  Answer(job, EventFinding(Event::kOverload, absl::StrCat("no connection to ", name(), " became free in time"), now));
}

void Destination::Answer(ProbeJob& job, Finding finding) {
  breakers_.EndTrials(job);
  if (job.expiry.has_value()) job.expiry->Cancel();
  auto outcome = std::make_unique<ProbeOutcome>();
  outcome->finding = std::move(finding);
  outcome->identity = job.request.identity;
  if (!job.source.empty()) outcome->identity.source_address = job.source;
  outcome->destination = name();
  outcome->configured_route = job.route.configured;
  outcome->catch_all = job.catch_all;
  outcome->hurried = job.hurried;
  outcome->relay_denied_everywhere = job.relay_denied_everywhere;
  outcome->declined = job.declined;
  outcome->on_hold = job.on_hold;
  outcome->delays = job.delays;
  outcome->dialogue = job.dialogue.Take();
  std::exchange(job.answer, nullptr)(std::move(outcome));
}

void Destination::Reset() {
  pace_.Reset();
  all_.sources_.Forget(provider());
  all_.dead_hosts_.Forget();  // it is not known which are its hosts; each is found out again at once
  breakers_.Reset();
  Remember();
  batch_limit_ = refusal_limit_ = SIZE_MAX;
  complaints_.Forget();
  tarpit_until_ = MonoTime();
  unknown_share_ = UnknownShare();
  all_.unknown_shares_.ForgetDestination(name());
  if (catch_all_ != nullptr) catch_all_->clear();  // a question under way still writes into it
}

DestinationActivity Destination::Activity() const {
  DestinationActivity activity;
  activity.name = name();
  activity.queued = queue_.size();
  activity.connections = greeted_;
  activity.connection_limit = pace_.limit();
  activity.questions_per_second = pace_.questions_per_second();
  activity.recipients = std::min(batch_, batch_limit_);
  activity.latency = pace_.latency();
  activity.asked = unknown_share_.asked();
  activity.unknown = unknown_share_.unknown();
  activity.resting = Resting();
  return activity;
}

}  // namespace verifyd
