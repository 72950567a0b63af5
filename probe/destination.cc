#include "probe/destination.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "verdict/event.h"
#include "verdict/reason.h"

namespace verifyd {
namespace {

// Does it make sense to ask the next server, too? As Postfix does: after what is temporary, and after a 5yz greeting
// (smtp_skip_5xx_greeting). A 5yz behind the greeting counts for the whole MX group: other servers of the same people
// would say the same, and asking them all would not make us any better liked.
bool WorthAnotherServer(const Finding& finding) {
  if (finding.code == 0) return true;
  if (finding.definite() && finding.scope == Scope::kAddress) return false;
  switch (finding.code / 100) {
    case 2:
      return false;
    case 5:
      return finding.stage == Stage::kBanner || RowOf(finding.reason).retry == RetryClass::kNextMx;
    default:
      return true;
  }
}

// Of several servers' findings the one that says most is reported: a reply to RCPT before other replies, those before
// events.
int Weight(const Finding& finding) {
  if (finding.code == 0) return 0;
  return finding.stage == Stage::kRcpt ? 2 : 1;
}

bool HeldAConversation(const Finding& finding) { return finding.code != 0 && finding.stage >= Stage::kMail; }

}  // namespace

Busy::Busy(std::shared_ptr<Destinations> all) : all_(std::move(all)) { ++all_->busy_; }

Busy::~Busy() {
  if (all_ != nullptr && --all_->busy_ == 0 && all_->when_idle_) std::exchange(all_->when_idle_, nullptr)();
}

Destination::Destination(Destinations& all, DestinationState state)
    : all_(all), state_(std::move(state)), pace_(all.loop_, 1), idle_since_(all.loop_.clock().Mono()) {}

void Destination::Ask(std::unique_ptr<ProbeJob> job) {
  const ProbeSettings& settings = *job->settings;
  pace_.SetLimit(job->route.configured ? settings.configured_destination_concurrency
                                       : settings.destination_concurrency);
  job->queued = all_.loop_.clock().Mono();
  const Turn turn(job->request.urgency, next_turn_++);
  const MonoTime deadline = job->request.deadline;
  auto waiting = std::make_unique<Waiting>(all_.loop_.timers(), std::move(job));
  waiting->expiry.SetAt(deadline, [this, turn] { Expire(turn); });
  queue_.emplace(turn, std::move(waiting));
  ++all_.counters_->queued_now;
  StartWorker();
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
  std::unique_ptr<ProbeJob> job = TakeNext();
  StartWorker();
  if (job != nullptr) co_await Serve(std::move(job));
  pace_.Release();
  if (--workers_ > 0) co_return;
  idle_since_ = all_.loop_.clock().Mono();
  all_.BecameIdle();
}

std::unique_ptr<ProbeJob> Destination::TakeNext() {
  if (queue_.empty()) return nullptr;
  std::unique_ptr<ProbeJob> job = std::move(queue_.begin()->second->job);
  queue_.erase(queue_.begin());
  --all_.counters_->queued_now;
  job->outcome.delays.queue = all_.loop_.clock().Mono() - job->queued;
  return job;
}

void Destination::Expire(Turn turn) {
  const auto found = queue_.find(turn);
  const std::unique_ptr<ProbeJob> job = std::move(found->second->job);
  queue_.erase(found);
  --all_.counters_->queued_now;
  job->outcome.delays.queue = all_.loop_.clock().Mono() - job->queued;
  // Not the servers were slow: there were too many before it.
  Classification classified = Classifier::Classify(Event::kOverload, Stage::kConnect);
  Finding finding;
  finding.deliverability = classified.deliverability;
  finding.reason = classified.reason;
  finding.scope = classified.scope;
  finding.stage = Stage::kConnect;
  finding.rule = std::move(classified.rule);
  finding.text = Printable(absl::StrCat("no connection to ", state_.name, " became free in time"), Finding::kMaxText);
  finding.when = all_.loop_.clock().Now();
  Answer(*job, std::move(finding));
}

boost::asio::awaitable<void> Destination::Serve(std::unique_ptr<ProbeJob> job) {
  const std::vector<Endpoint>& endpoints = job->route.endpoints;
  std::optional<Finding> best;
  bool conversed = false;
  int sessions_left = job->settings->mx_session_limit > 0 ? job->settings->mx_session_limit : INT32_MAX;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    const auto session =
        std::make_shared<Session>(all_.loop_, endpoints[i], job->request.identity, job->settings, job->classifier);
    Finding finding = co_await AskServer(*job, *session);
    conversed |= HeldAConversation(finding);
    if (session->greeted()) --sessions_left;
    const bool last = i + 1 == endpoints.size() || sessions_left == 0 || !WorthAnotherServer(finding) ||
                      all_.loop_.clock().Mono() >= job->request.deadline;
    if (!best.has_value() || Weight(finding) >= Weight(*best)) best = std::move(finding);
    Busy busy(all_.shared_from_this());
    if (!last) {
      all_.loop_.Spawn(Leave(session, std::move(busy)));
      continue;
    }
    if (conversed) {
      NoteSuccess();
    } else if (best->scope != Scope::kUs || best->code != 0) {
      NoteFailure(best->reason);
    }
    Answer(*job, *std::move(best));
    // The answer is on its way; the connection counts until it is closed.
    co_await Leave(session, std::move(busy));
    co_return;
  }
}

boost::asio::awaitable<Finding> Destination::AskServer(ProbeJob& job, Session& session) {
  const Clock& clock = all_.loop_.clock();
  ProbeDelays& delays = job.outcome.delays;
  const MonoTime began = clock.Mono();
  std::optional<Finding> refusal = co_await session.Open(all_.dialer_, job.request.deadline, job.transcript);
  const MonoTime opened = clock.Mono();
  delays.connect += opened - began;
  if (session.connected()) {
    ++all_.counters_->connections;
    ++all_.counters_->sessions_now;
  }
  if (refusal.has_value()) co_return *std::move(refusal);
  Finding finding = co_await session.Ask(job.request.address, job.request.deadline, job.transcript);
  delays.dialogue += clock.Mono() - opened;
  co_return finding;
}

boost::asio::awaitable<void> Destination::Leave(std::shared_ptr<Session> session, Busy busy) {
  if (!session->connected()) co_return;
  co_await session->Leave();
  --all_.counters_->sessions_now;
}

void Destination::Answer(ProbeJob& job, Finding finding) {
  ProbeOutcome outcome = std::move(job.outcome);
  outcome.finding = std::move(finding);
  outcome.identity = std::move(job.request.identity);
  outcome.destination = state_.name;
  outcome.transcript = job.transcript.Take();
  job.answer(std::move(outcome));
}

void Destination::NoteSuccess() {
  const bool worth_keeping = state_.failures > 0 || state_.last_success == absl::InfinitePast();
  state_.failures = 0;
  state_.last_success = all_.loop_.clock().Now();
  if (worth_keeping && all_.observer_) all_.observer_(state_);
}

void Destination::NoteFailure(Reason reason) {
  const bool worth_keeping = state_.failures == 0;
  if (state_.failures < UINT32_MAX) ++state_.failures;
  state_.last_failure = reason;
  state_.last_failure_when = all_.loop_.clock().Now();
  if (worth_keeping && all_.observer_) all_.observer_(state_);
}

Destinations::Destinations(Loop& loop, Dialer& dialer, std::shared_ptr<ProbeCounters> counters,
                           std::function<void(const DestinationState&)> observer)
    : loop_(loop),
      dialer_(dialer),
      counters_(std::move(counters)),
      observer_(std::move(observer)),
      forget_(loop.timers()) {}

void Destinations::Ask(std::unique_ptr<ProbeJob> job) {
  Destination& destination = FindOrAdd(job->route.destination);
  destination.Ask(std::move(job));
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
    std::string name = state.name;
    by_name_.emplace(std::move(name), std::make_unique<Destination>(*this, std::move(state)));
  }
  counters_->destinations_now = by_name_.size();
  if (!by_name_.empty()) BecameIdle();
}

void Destinations::WhenIdle(absl::AnyInvocable<void()> idle) {
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
    if (now - entry.second->idle_since() >= idle_time) return true;
    idle_left = true;
    return false;
  });
  counters_->destinations_now = by_name_.size();
  if (idle_left) BecameIdle();
}

}  // namespace verifyd
