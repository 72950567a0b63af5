#include "probe/breakers.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"

namespace verifyd {
namespace {

// Open domain breakers that agree that it is the destination, not the domain.
constexpr int kAgreeingDomains = 3;
constexpr size_t kMaxDomains = 1000;
constexpr size_t kMaxStateName = 450;  // as what keeps it takes

// The operator's own server is tried again soon: people wait for its addresses. Others are left in peace.
constexpr BreakerPause kOwnFailure = {absl::Seconds(5), absl::Minutes(1)};
constexpr BreakerPause kOwnRefusal = {absl::Seconds(30), absl::Minutes(15)};
constexpr BreakerPause kPublicFailure = {absl::Minutes(1), absl::Hours(1)};
constexpr BreakerPause kPublicRefusal = {absl::Minutes(5), absl::Hours(4)};

const BreakerPause& PauseFor(const ProbeJob& job, bool refusal) {
  if (refusal) return job.route.configured ? kOwnRefusal : kPublicRefusal;
  return job.route.configured ? kOwnFailure : kPublicFailure;
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

Finding Resting(const DestinationState& state, absl::Time now) {
  const absl::Duration left = std::max(state.open_until - now, absl::ZeroDuration());
  return ToFinding(
      ClassificationOf(state.open_reason, "breaker"), Stage::kConnect,
      absl::StrCat("not asked: ", state.name, " is left alone for ",
                   absl::FormatDuration(absl::Ceil(left, absl::Seconds(1))), " after ", ReasonName(state.open_reason)),
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

Breakers::Breakers(DestinationState state, const std::function<void(const DestinationState&)>& report)
    : report_(report), own_(std::move(state)) {}

void Breakers::RestoreDomain(const std::string& domain, DestinationState state) {
  domains_.emplace(domain, std::make_unique<Domain>(std::move(state)));
}

std::optional<Finding> Breakers::Pass(ProbeJob& job, absl::Time now) {
  if (own_.held(now)) {
    job.on_hold = true;
    return ToFinding(ClassificationOf(Reason::kDestinationDoubted, kHoldRule), Stage::kConnect,
                     absl::StrCat("not asked: ", name(), " is on hold"), now);
  }
  if (const auto domain = domains_.find(job.domain()); domain != domains_.end()) {
    const Breaker::Gate gate = domain->second->breaker.Pass(now);
    if (gate == Breaker::Gate::kOpen) return Resting(domain->second->breaker.state(), now);
    job.tries_domain = gate == Breaker::Gate::kTrial;
  }
  const Breaker::Gate gate = own_.Pass(now);
  if (gate == Breaker::Gate::kOpen) return Resting(own_.state(), now);
  job.tries_destination = gate == Breaker::Gate::kTrial;
  return std::nullopt;
}

void Breakers::EndTrials(ProbeJob& job) {
  if (std::exchange(job.tries_domain, false)) DomainOf(job.domain()).breaker.EndTrial();
  if (std::exchange(job.tries_destination, false)) own_.EndTrial();
}

void Breakers::Learn(const ProbeJob& job, const Finding& finding, const Answered& answered, absl::Time now,
                     absl::BitGenRef random) {
  const bool refusal = IsRefusalOfUs(finding.reason);
  if (finding.at_recipient() && (refusal || finding.code == 0)) {
    return NoteOddAddress(job, finding.reason, answered, PauseFor(job, refusal), now, random);
  }
  if (refusal) return NoteRefusal(job, finding.reason, now, random);
  if (job.conversed) return NoteConversation(job, now);
  if (finding.scope == Scope::kUs && finding.code == 0) return;  // a fault of ours
  if (own_.NoteFailure(finding.reason, PauseFor(job, /*refusal=*/false), now, random)) Report(own_.state());
}

void Breakers::NoteConversation(const ProbeJob& job, absl::Time now) {
  if (const auto domain = domains_.find(job.domain()); domain != domains_.end()) {
    if (domain->second->breaker.NoteSuccess(now)) Report(domain->second->breaker.state());
    if (!job.tries_domain) domains_.erase(domain);
  }
  if (own_.NoteSuccess(now)) Report(own_.state());
}

bool Breakers::HasRoomFor(const std::string& domain, absl::Time now) {
  if (domains_.size() >= kMaxDomains) {
    absl::erase_if(domains_, [now](const auto& entry) { return entry.second->breaker.blank(now); });
  }
  return domains_.size() < kMaxDomains || domains_.contains(domain);
}

// Said before it was known whom it is about.
void Breakers::NoteRefusal(const ProbeJob& job, Reason reason, absl::Time now, absl::BitGenRef random) {
  const BreakerPause& pause = PauseFor(job, /*refusal=*/true);
  if (HasRoomFor(job.domain(), now)) {
    Breaker& breaker = DomainOf(job.domain()).breaker;
    const bool changed =
        IsPlain(reason) ? breaker.Trip(reason, pause, now, random) : breaker.NoteFailure(reason, pause, now, random);
    if (changed) Report(breaker.state());
  }
  if (!IsAboutOurAddress(reason)) return TripWhereDomainsAgree(reason, pause, now, random);
  if (own_.Trip(reason, pause, now, random)) Report(own_.state());
}

void Breakers::NoteOddAddress(const ProbeJob& job, Reason reason, const Answered& answered, const BreakerPause& pause,
                              absl::Time now, absl::BitGenRef random) {
  // The server takes mail from us: it is there, and talks.
  if (!job.tries_destination && own_.NoteSuccess(now)) Report(own_.state());
  if (!answered.of_domain && HasRoomFor(job.domain(), now)) {
    Domain& domain = DomainOf(job.domain());
    const size_t address = absl::HashOf(job.request.address.Key());
    const bool met = std::find(domain.met.begin(), domain.met.end(), address) != domain.met.end();
    if (!met && domain.met.size() < Breaker::kFailures) domain.met.push_back(address);
    // A trial has but one address.
    if ((!met || job.tries_domain) && domain.breaker.NoteFailure(reason, pause, now, random)) {
      Report(domain.breaker.state());
    }
  }
  if (answered.anybody) return;
  if (job.tries_destination && own_.Trip(reason, pause, now, random)) Report(own_.state());
  TripWhereDomainsAgree(reason, pause, now, random);
}

// One tenant's policy must not silence a provider of millions: it takes three.
void Breakers::TripWhereDomainsAgree(Reason reason, const BreakerPause& pause, absl::Time now, absl::BitGenRef random) {
  const auto agreeing = std::count_if(domains_.begin(), domains_.end(),
                                      [now](const auto& entry) { return entry.second->breaker.open(now); });
  if (agreeing >= kAgreeingDomains && own_.Trip(reason, pause, now, random)) Report(own_.state());
}

void Breakers::Hold(absl::Time until) {
  own_.Hold(until);
  Report(own_.state());
}

void Breakers::Reset() {
  for (const auto& [name, domain] : domains_) {
    domain->breaker.Reset();
    domain->met.clear();
    Report(domain->breaker.state());
  }
  own_.Reset();
  Report(own_.state());
}

void Breakers::Keep(double questions_per_second, std::vector<RestingSource> resting) {
  own_.Keep(questions_per_second, std::move(resting));
  Report(own_.state());
}

Breakers::Domain& Breakers::DomainOf(const std::string& domain) {
  std::unique_ptr<Domain>& entry = domains_[domain];
  if (entry == nullptr) {
    DestinationState state;
    state.name = StateNameOf(name(), domain);
    entry = std::make_unique<Domain>(std::move(state));
  }
  return *entry;
}

bool Breakers::blank(absl::Time now) const {
  return own_.blank(now) && std::all_of(domains_.begin(), domains_.end(),
                                        [now](const auto& entry) { return entry.second->breaker.blank(now); });
}

void Breakers::Report(const DestinationState& state) {
  if (report_ && state.name.size() <= kMaxStateName) report_(state);
}

}  // namespace verifyd
