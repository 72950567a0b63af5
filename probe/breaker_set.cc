#include "probe/breaker_set.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"

namespace verifyd {
namespace {

// So many open domain breakers agree that the trouble is the destination's, not the domain's.
constexpr int kAgreeingDomains = 3;
constexpr size_t kMaxDomains = 1000;

// The operator's own server is tried again soon: people wait for its addresses. Others are left in peace.
constexpr BreakerPause kOwnFailure = {absl::Seconds(5), absl::Minutes(1)};
constexpr BreakerPause kOwnRefusal = {absl::Seconds(30), absl::Minutes(15)};
constexpr BreakerPause kPublicFailure = {absl::Minutes(1), absl::Hours(1)};
constexpr BreakerPause kPublicRefusal = {absl::Minutes(5), absl::Hours(4)};

const BreakerPause& PauseFor(const ProbeJob& job, bool refusal) {
  if (refusal) return job.route.configured ? kOwnRefusal : kPublicRefusal;
  return job.route.configured ? kOwnFailure : kPublicFailure;
}

// Returns whether the refusal is so plain that it need not be heard twice. Other refusals may have to do with the one
// address that was asked about, whatever they say: they count like failures.
bool IsPlain(Reason reason) {
  return IsAboutOurAddress(reason) || reason == Reason::kRateLimited || reason == Reason::kBlockedGeo ||
         reason == Reason::kBlockedHelo;
}

// `name` is the destination's or, where only a domain there is left alone, that domain's.
Finding Resting(absl::string_view name, const BreakerState& state, absl::Time now) {
  const absl::Duration left = std::max(state.open_until - now, absl::ZeroDuration());
  return ToFinding(
      ClassificationOf(state.open_reason, "breaker"), Stage::kConnect,
      absl::StrCat("not asked: ", name, " is left alone for ", absl::FormatDuration(absl::Ceil(left, absl::Seconds(1))),
                   " after ", ReasonName(state.open_reason)),
      now);
}

}  // namespace

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

bool IsAboutOurAddress(Reason reason) {
  return reason == Reason::kBlockedIp || reason == Reason::kBlockedDynamicIp || reason == Reason::kBlockedRdns;
}

BreakerSet::BreakerSet(DestinationState state, const StateObserver& observer)
    : observer_(observer), state_(std::move(state)) {}

void BreakerSet::RestoreDomain(DomainBreaker state) {
  std::string domain = state.domain;
  domains_.emplace(std::move(domain), std::make_unique<Domain>(std::move(state)));
}

std::optional<Finding> BreakerSet::Pass(ProbeJob& job, absl::Time now) {
  if (held(now)) {
    job.on_hold = true;
    return ToFinding(ClassificationOf(Reason::kDestinationDoubted, kHoldRule), Stage::kConnect,
                     absl::StrCat("not asked: ", name(), " is on hold"), now);
  }
  if (const auto domain = domains_.find(job.domain()); domain != domains_.end()) {
    const Breaker::Gate gate = domain->second->breaker.Pass(now);
    if (gate == Breaker::Gate::kOpen) return Resting(domain->second->state.Name(), domain->second->state.breaker, now);
    job.tries_domain = gate == Breaker::Gate::kTrial;
  }
  const Breaker::Gate gate = own_.Pass(now);
  if (gate == Breaker::Gate::kOpen) return Resting(name(), state_.breaker, now);
  job.tries_destination = gate == Breaker::Gate::kTrial;
  return std::nullopt;
}

void BreakerSet::EndTrials(ProbeJob& job) {
  if (std::exchange(job.tries_domain, false)) DomainOf(job.domain()).breaker.EndTrial();
  if (std::exchange(job.tries_destination, false)) own_.EndTrial();
}

void BreakerSet::Learn(const ProbeJob& job, const Finding& finding, const Answered& answered, absl::Time now,
                       absl::BitGenRef random) {
  const bool refusal = IsRefusalOfUs(finding.reason);
  if (finding.at_recipient() && (refusal || finding.code == 0)) {
    return NoteOddAddress(job, finding.reason, answered, PauseFor(job, refusal), now, random);
  }
  if (refusal) return NoteRefusal(job, finding.reason, now, random);
  if (job.conversed) return NoteConversation(job, now);
  if (finding.scope == Scope::kUs && finding.code == 0) return;  // a fault of ours
  if (own_.NoteFailure(finding.reason, PauseFor(job, /*refusal=*/false), now, random)) Report();
}

void BreakerSet::NoteConversation(const ProbeJob& job, absl::Time now) {
  if (const auto domain = domains_.find(job.domain()); domain != domains_.end()) {
    if (domain->second->breaker.NoteSuccess(now)) Report(*domain->second);
    if (!job.tries_domain) domains_.erase(domain);
  }
  if (own_.NoteSuccess(now)) Report();
}

bool BreakerSet::HasRoomFor(const std::string& domain, absl::Time now) {
  if (domains_.size() >= kMaxDomains) {
    absl::erase_if(domains_, [now](const auto& entry) { return entry.second->breaker.blank(now); });
  }
  return domains_.size() < kMaxDomains || domains_.contains(domain);
}

// Notes a refusal that came before a recipient was named.
void BreakerSet::NoteRefusal(const ProbeJob& job, Reason reason, absl::Time now, absl::BitGenRef random) {
  const BreakerPause& pause = PauseFor(job, /*refusal=*/true);
  if (HasRoomFor(job.domain(), now)) {
    Domain& domain = DomainOf(job.domain());
    const bool changed = IsPlain(reason) ? domain.breaker.Trip(reason, pause, now, random)
                                         : domain.breaker.NoteFailure(reason, pause, now, random);
    if (changed) Report(domain);
  }
  if (!IsAboutOurAddress(reason)) return TripWhereDomainsAgree(reason, pause, now, random);
  if (own_.Trip(reason, pause, now, random)) Report();
}

void BreakerSet::NoteOddAddress(const ProbeJob& job, Reason reason, const Answered& answered, const BreakerPause& pause,
                                absl::Time now, absl::BitGenRef random) {
  // The server takes mail from us: it is there, and talks.
  if (!job.tries_destination && own_.NoteSuccess(now)) Report();
  if (!answered.of_domain && HasRoomFor(job.domain(), now)) {
    Domain& domain = DomainOf(job.domain());
    const size_t address = absl::HashOf(job.request.address.Key());
    const bool met = std::find(domain.met.begin(), domain.met.end(), address) != domain.met.end();
    if (!met && domain.met.size() < Breaker::kFailures) domain.met.push_back(address);
    // A trial has but one address.
    if ((!met || job.tries_domain) && domain.breaker.NoteFailure(reason, pause, now, random)) {
      Report(domain);
    }
  }
  if (answered.anybody) return;
  if (job.tries_destination && own_.Trip(reason, pause, now, random)) Report();
  TripWhereDomainsAgree(reason, pause, now, random);
}

// One tenant's policy must not silence a provider of millions: three domains must agree.
void BreakerSet::TripWhereDomainsAgree(Reason reason, const BreakerPause& pause, absl::Time now,
                                       absl::BitGenRef random) {
  const auto agreeing = std::count_if(domains_.begin(), domains_.end(),
                                      [now](const auto& entry) { return entry.second->breaker.open(now); });
  if (agreeing >= kAgreeingDomains && own_.Trip(reason, pause, now, random)) Report();
}

void BreakerSet::Hold(absl::Time until) {
  state_.held_until = until;
  Report();
}

void BreakerSet::Reset() {
  for (const auto& [name, domain] : domains_) {
    domain->breaker.Reset();
    domain->met.clear();
    Report(*domain);
  }
  own_.Reset();
  Report();
}

void BreakerSet::Keep(double questions_per_second, std::vector<RestingSource> resting) {
  state_.questions_per_second = questions_per_second;
  state_.resting = std::move(resting);
  Report();
}

BreakerSet::Domain& BreakerSet::DomainOf(const std::string& domain) {
  std::unique_ptr<Domain>& entry = domains_[domain];
  if (entry == nullptr) {
    entry = std::make_unique<Domain>(DomainBreaker{.destination = name(), .domain = domain});
  }
  return *entry;
}

bool BreakerSet::blank(absl::Time now) const {
  return own_.blank(now) && !held(now) && state_.questions_per_second == 0 &&
         std::all_of(domains_.begin(), domains_.end(),
                     [now](const auto& entry) { return entry.second->breaker.blank(now); });
}

void BreakerSet::Report() const {
  if (observer_.destination && name().size() <= kMaxStateName) observer_.destination(state_);
}

void BreakerSet::Report(const Domain& domain) const {
  const size_t size = domain.state.destination.size() + domain.state.domain.size();
  if (observer_.domain && size <= kMaxStateName) observer_.domain(domain.state);
}

}  // namespace verifyd
