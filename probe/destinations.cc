#include "probe/destinations.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "probe/destination.h"
#include "verdict/event.h"

namespace verifyd {

Busy::Busy(std::shared_ptr<Destinations> all) : all_(std::move(all)) { ++all_->busy_; }

Busy::~Busy() {
  if (all_ != nullptr && --all_->busy_ == 0 && all_->when_idle_) std::exchange(all_->when_idle_, nullptr)();
}

Destinations::Destinations(Loop& loop, Dialer& dialer, std::shared_ptr<ProbeCounters> counters,
                           std::function<void(const DestinationState&)> observer)
    : loop_(loop),
      dialer_(dialer),
      counters_(std::move(counters)),
      observer_(std::move(observer)),
      slots_(loop, ProbeSettings().session_limit),
      address_limits_(loop),
      forget_(loop.timers()) {}

Destinations::~Destinations() = default;

void Destinations::Ask(std::unique_ptr<ProbeJob> job) {
  connection_idle_time_ = job->settings->connection_idle_time;
  slots_.SetLimit(job->settings->session_limit);
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
  ++counters_->destinations_now;
  Destination& added = *by_name_.emplace(name, std::make_unique<Destination>(*this, std::move(state))).first->second;
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
    sources_.Restore(Destination::ProviderOfName(name), state.resting);
    auto restored = std::make_unique<Destination>(*this, std::move(state));
    if (by_name_.insert_or_assign(name, std::move(restored)).second) ++counters_->destinations_now;
  }
  if (!by_name_.empty()) BecameIdle();
}

void Destinations::Hold(const std::string& name, absl::Time until) {
  FindOrAdd(name).Hold(until);
  BecameIdle();
}

void Destinations::Reset(const std::string& name) {
  FindOrAdd(name).Reset();
  BecameIdle();
}

std::vector<DestinationActivity> Destinations::Activity(const std::string& name) const {
  std::vector<DestinationActivity> activity;
  if (name.empty()) {
    activity.reserve(by_name_.size());
    for (const auto& [known, destination] : by_name_) activity.push_back(destination->Activity());
  } else if (const auto found = by_name_.find(name); found != by_name_.end()) {
    activity.push_back(found->second->Activity());
  }
  return activity;
}

// Out of descriptors, ports or memory: no fault of any server.
void Destinations::NoteExhausted(const std::string& error) {
  slots_.NoteExhausted();
  const MonoTime now = loop_.clock().Mono();
  if (said_exhausted_.has_value() && now - *said_exhausted_ < absl::Minutes(1)) return;
  said_exhausted_ = now;
  LogWarning(absl::StrCat("no more connections can be opened (", error, ") beside ", slots_.in_use() - 1,
                          "; probes wait for those: give the daemon more descriptors, or lower probe_session_limit"));
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
  counters_->destinations_now -= absl::erase_if(by_name_, [&](const auto& entry) {
    if (!entry.second->idle()) return false;
    // What is left alone must not be forgotten, except to make room.
    const bool forget = now - entry.second->idle_since() >= idle_time &&
                        (idle_time == absl::ZeroDuration() || entry.second->blank(loop_.clock().Now()));
    idle_left |= !forget;
    return forget;
  });
  if (idle_left) BecameIdle();
}

}  // namespace verifyd
