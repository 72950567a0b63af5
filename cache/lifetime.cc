#include "cache/lifetime.h"

#include <algorithm>

#include "verdict/reason.h"

namespace verifyd {
namespace {

struct Lifetime {
  absl::Duration expire;
  absl::Duration refresh;
};

// A finding without a reason (imported, say) lives by what it says of the address.
CacheClass ClassOf(const Finding& finding) {
  if (finding.reason != Reason::kNone) return RowOf(finding.reason).cache_class;
  switch (finding.deliverability) {
    case Deliverability::kDeliverable:
      return CacheClass::kPositive;
    case Deliverability::kUndeliverable:
      return CacheClass::kNegative;
    case Deliverability::kRisky:
    case Deliverability::kUnknown:
      return CacheClass::kTemporary;
  }
  return CacheClass::kTemporary;
}

Lifetime LifetimeOf(const Finding& finding, const Lifetimes& lifetimes) {
  switch (ClassOf(finding)) {
    case CacheClass::kPositive:
    case CacheClass::kDomainPositive:
      return {lifetimes.positive_expire, lifetimes.positive_refresh};
    case CacheClass::kNegative:
      return {lifetimes.negative_expire, lifetimes.negative_refresh};
    case CacheClass::kDomainNegative:
      // What DNS said of the domain is not believed longer here than as a fact of the domain.
      return {lifetimes.domain_negative_max, lifetimes.domain_negative_max};
    case CacheClass::kPositiveShort:
    case CacheClass::kNegativeShort:
    case CacheClass::kDomainShort:
    case CacheClass::kTemporary:
    case CacheClass::kSchedule:
    case CacheClass::kMxBackoff:
    case CacheClass::kMxBlock:
    case CacheClass::kCircuitOpen:
      return {lifetimes.temporary_expire, lifetimes.temporary_refresh};
  }
  return {lifetimes.temporary_expire, lifetimes.temporary_refresh};
}

}  // namespace

absl::Time RefreshOf(const Record& record, const Lifetimes& lifetimes) {
  const bool planned = record.next_probe != absl::InfiniteFuture();
  return planned ? record.next_probe : record.finding.when + LifetimeOf(record.finding, lifetimes).refresh;
}

absl::Time ExpiryOf(const Record& record, const Lifetimes& lifetimes) {
  return record.finding.when + LifetimeOf(record.finding, lifetimes).expire;
}

absl::Time ExpiryOf(const DomainFact& fact, const Lifetimes& lifetimes) {
  if (!fact.decides()) {
    const bool known = fact.catch_all == CatchAll::kYes || fact.catch_all == CatchAll::kNo;
    return fact.catch_all_when + (known ? lifetimes.domain_positive : lifetimes.temporary_expire);
  }
  switch (ClassOf(fact.finding)) {
    case CacheClass::kPositive:
    case CacheClass::kDomainPositive:
      return fact.finding.when + lifetimes.domain_positive;
    case CacheClass::kNegative:
    case CacheClass::kDomainNegative:
      return fact.finding.when +
             std::max(lifetimes.domain_negative_min, std::min(fact.ttl, lifetimes.domain_negative_max));
    default:
      return fact.finding.when + lifetimes.temporary_expire;
  }
}

absl::Time ExpiryOf(const DestinationState& state, const Lifetimes& lifetimes) {
  absl::Time last = std::max({state.last_failure_when, state.last_success, state.open_until});
  for (const RestingSource& resting : state.resting) last = std::max(last, resting.until);
  return last + lifetimes.positive_expire;
}

Freshness FreshnessOf(const Record& record, const Lifetimes& lifetimes, absl::Time now) {
  const Lifetime lifetime = LifetimeOf(record.finding, lifetimes);
  const absl::Time made = record.finding.when;
  if (made + lifetime.expire < now) return Freshness::kExpired;
  if (made > now) return made - lifetime.refresh > now ? Freshness::kRefresh : Freshness::kFresh;
  const bool planned = record.next_probe != absl::InfiniteFuture();
  const bool due = planned ? record.next_probe <= now : made + lifetime.refresh < now;
  return due ? Freshness::kRefresh : Freshness::kFresh;
}

Freshness FreshnessOf(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now) {
  return ExpiryOf(fact, lifetimes) < now ? Freshness::kExpired : Freshness::kFresh;
}

}  // namespace verifyd
