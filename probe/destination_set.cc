#include "probe/destination_set.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "dns/provider.h"
#include "mail/event.h"
#include "probe/destination.h"
#include "probe/route.h"

namespace verifyd {
namespace {

// Returns the worth of a state; those that are worth most are kept first.
int Worth(const DestinationState& state, absl::Time now) {
  if (state.held_until > now) return 4;
  if (state.trust.doubt != Doubt::kNone) return 3;
  if (Route::IsConfiguredName(state.name)) return 2;
  return state.breaker.open_until > now ? 1 : 0;
}

}  // namespace

Busy::Busy(std::shared_ptr<DestinationSet> all) : all_(std::move(all)) { ++all_->busy_; }

Busy::~Busy() {
  if (all_ != nullptr && --all_->busy_ == 0 && all_->when_idle_) std::exchange(all_->when_idle_, nullptr)();
}

DestinationSet::DestinationSet(Loop& loop, Dialer& dialer, std::shared_ptr<ProbeCounters> counters,
                               StateObserver observer, std::function<void(std::unique_ptr<ProbeJob>)> recall)
    : loop_(loop),
      dialer_(dialer),
      counters_(std::move(counters)),
      observer_(std::move(observer)),
      recall_(std::move(recall)),
      slots_(loop, ProbeSettings().session_limit),
      address_limits_(loop),
      forget_(loop.timers()) {}

DestinationSet::~DestinationSet() = default;

void DestinationSet::Ask(std::unique_ptr<ProbeJob> job) {
  bound_.Check();
  connection_idle_time_ = job->settings->connection_idle_time;
  slots_.SetLimit(job->settings->session_limit);
  const std::string& name = job->route.destination;
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    RestoreDomainOf(*job, *found->second);
    return found->second->Ask(std::move(job));
  }
  if (job->remembered == nullptr && recall_) return recall_(std::move(job));
  Destination& added = AddFor(*job);
  added.Ask(std::move(job));
}

Destination& DestinationSet::AddFor(const ProbeJob& job) {
  const std::string& name = job.route.destination;
  if (job.remembered == nullptr) return Add(name, std::nullopt);
  Destination& added = Add(name, std::move(job.remembered->destination));
  RestoreDomainOf(job, added);
  return added;
}

void DestinationSet::RestoreDomainOf(const ProbeJob& job, Destination& destination) {
  if (job.remembered == nullptr || !job.remembered->domain.has_value()) return;
  destination.RestoreDomain(*std::move(job.remembered->domain));
}

// Where no server's port 25 answers, ours is blocked, as hosting providers do. One owner has as many silent servers as
// he likes, so those of several owners count. Where any server was ever reached, one of them must have been: servers
// that nobody ever reached say nothing then.
void DestinationSet::NotePublicPort(const ProbeJob& job, const DestinationState& state, Finding& finding) {
  if (job.route.configured || job.settings->smtp_tcp_port != 25) return;
  if (finding.reason != Reason::kConnectTimeout) {
    if (!job.conversed) return;
    public_ever_answered_ = true;
    unreached_had_answered_ = false;
    unreached_.clear();
    return;
  }
  if (unreached_.size() < kUnreachedOwners) unreached_.insert(ProviderOf(job.route.endpoints.front().host));
  unreached_had_answered_ |= state.breaker.last_success != absl::InfinitePast();
  if (unreached_.size() < kUnreachedOwners || (public_ever_answered_ && !unreached_had_answered_)) return;
  const Classification blocked = Classifier::Classify(Event::kPort25Blocked, Stage::kConnect);
  finding.reason = blocked.reason;
  finding.scope = blocked.scope;
  finding.rule = blocked.rule;
  const MonoTime now = loop_.clock().Mono();
  if (said_blocked_.has_value() && now - *said_blocked_ < absl::Hours(1)) return;
  said_blocked_ = now;
  LogError(absl::StrCat("mail servers of ", kUnreachedOwners,
                        " owners and more, the last that were tried on port 25, did not answer: outgoing connections "
                        "to port 25 seem to be blocked here, nothing can be verified; ask whoever runs this network"));
}

Destination& DestinationSet::FindOrAdd(const std::string& name, std::optional<DestinationState> remembered) {
  const auto found = by_name_.find(name);
  return found != by_name_.end() ? *found->second : Add(name, std::move(remembered));
}

Destination& DestinationSet::Add(const std::string& name, std::optional<DestinationState> remembered) {
  if (by_name_.size() >= make_room_at_) MakeRoom();
  DestinationState state = remembered.has_value() ? *std::move(remembered) : DestinationState();
  state.name = name;
  if (!state.resting.empty()) sources_.Restore(Destination::ProviderOfName(name), state.resting);
  ++counters_->destinations_now;
  return *by_name_.emplace(name, std::make_unique<Destination>(*this, std::move(state))).first->second;
}

void DestinationSet::Restore(std::vector<DestinationState> states, std::vector<DomainBreaker> domains) {
  bound_.Check();
  RestoreDestinations(std::move(states));
  for (DomainBreaker& domain : domains) {
    NoteRemembered(domain.destination, domain.breaker);
    if (by_name_.size() >= kMaxDestinations && !by_name_.contains(domain.destination)) continue;
    Destination& destination = FindOrAdd(domain.destination);
    destination.RestoreDomain(std::move(domain));
  }
  if (!by_name_.empty()) BecameIdle();
}

void DestinationSet::RestoreDestinations(std::vector<DestinationState> states) {
  const absl::Time now = loop_.clock().Now();
  std::stable_sort(states.begin(), states.end(), [now](const DestinationState& a, const DestinationState& b) {
    return std::pair(Worth(a, now), a.breaker.last_success) > std::pair(Worth(b, now), b.breaker.last_success);
  });
  for (DestinationState& state : states) {
    NoteRemembered(state.name, state.breaker);
    // The others are recalled when they are asked.
    if (by_name_.size() >= kMaxDestinations && !by_name_.contains(state.name)) continue;
    const std::string name = state.name;
    Add(name, std::move(state));
  }
}

void DestinationSet::NoteRemembered(const std::string& destination, const BreakerState& state) {
  public_ever_answered_ |= state.last_success != absl::InfinitePast() && !Route::IsConfiguredName(destination);
}

void DestinationSet::Hold(const std::string& name, absl::Time until, std::optional<DestinationState> remembered) {
  bound_.Check();
  FindOrAdd(name, std::move(remembered)).Hold(until);
  BecameIdle();
}

void DestinationSet::Reset(const std::string& name, std::optional<DestinationState> remembered) {
  bound_.Check();
  FindOrAdd(name, std::move(remembered)).Reset();
  BecameIdle();
}

std::vector<DestinationActivity> DestinationSet::Activity(const std::string& name) const {
  bound_.Check();
  std::vector<DestinationActivity> activity;
  if (name.empty()) {
    activity.reserve(by_name_.size());
    for (const auto& [known, destination] : by_name_) activity.push_back(destination->Activity());
  } else if (const auto found = by_name_.find(name); found != by_name_.end()) {
    activity.push_back(found->second->Activity());
  }
  return activity;
}

// Notes that we are out of descriptors, ports or memory, which is no fault of any server.
void DestinationSet::NoteExhausted(const std::string& error) {
  slots_.NoteExhausted();
  const MonoTime now = loop_.clock().Mono();
  if (said_exhausted_.has_value() && now - *said_exhausted_ < absl::Minutes(1)) return;
  said_exhausted_ = now;
  LogWarning(absl::StrCat("no more connections can be opened (", error, ") beside ", slots_.in_use() - 1,
                          "; probes wait for those: give the daemon more descriptors, or lower probe_session_limit"));
}

void DestinationSet::WhenIdle(absl::AnyInvocable<void()> idle) {
  bound_.Check();
  draining_ = true;
  for (const auto& [name, destination] : by_name_) destination->CloseIdle();
  if (busy_ == 0) return idle();
  when_idle_ = std::move(idle);
}

void DestinationSet::BecameIdle() {
  if (forget_.set()) return;
  forget_.SetAfter(kIdleTime, [this] { ForgetIdle(); });
}

void DestinationSet::ForgetIdle() {
  const MonoTime now = loop_.clock().Mono();
  bool idle_left = false;
  counters_->destinations_now -= absl::erase_if(by_name_, [&](const auto& entry) {
    if (!entry.second->idle()) return false;
    const bool forget = now - entry.second->idle_since() >= kIdleTime && entry.second->blank(loop_.clock().Now());
    idle_left |= !forget;
    return forget;
  });
  make_room_at_ = std::max(kMaxDestinations, by_name_.size());
  if (idle_left) BecameIdle();
}

void DestinationSet::MakeRoom() {
  const absl::Time now = loop_.clock().Now();
  std::vector<std::tuple<int, MonoTime, const std::string*>> idle;
  for (const auto& [name, destination] : by_name_) {
    if (!destination->idle() || destination->held(now)) continue;
    const int worth = Route::IsConfiguredName(name) ? 2 : destination->blank(now) ? 0 : 1;
    idle.emplace_back(worth, destination->idle_since(), &name);
  }
  const size_t count = std::min(kMadeRoom, idle.size());
  std::nth_element(idle.begin(), idle.begin() + static_cast<ptrdiff_t>(count), idle.end());
  for (size_t i = 0; i < count; ++i) by_name_.erase(std::string(*std::get<2>(idle[i])));
  counters_->destinations_now -= count;
  // Where all are busy or held there are more for now: somebody waits for the answers.
  make_room_at_ = std::max(kMaxDestinations, by_name_.size() + kMadeRoom);
}

}  // namespace verifyd
