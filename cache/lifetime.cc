#include "cache/lifetime.h"

#include <algorithm>

#include "classifier/reason.h"

namespace verifyd {
namespace {

struct Lifetime {
  absl::Duration expire;
  absl::Duration refresh;
};

// A finding without a reason (imported, say) has the lifetimes of its deliverability.
CacheClass ClassOf(const Finding& finding) {
  if (finding.reason != Reason::kNone) {
    const CacheClass row = RowOf(finding.reason).cache_class;
    // An accepted address keeps the lifetimes of one, also where everybody is accepted.
    const bool accepted = finding.deliverability == Deliverability::kDeliverable;
    return row == CacheClass::kDomainPositive && accepted ? CacheClass::kPositive : row;
  }
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

// Trouble of ours is looked at again soon: it says nothing of the address, and may be repaired any time.
constexpr Lifetime kOwnTrouble = {.expire = absl::Minutes(1), .refresh = absl::Seconds(30)};

Lifetime LifetimeOf(const Finding& finding, const Lifetimes& lifetimes) {
  if (finding.code == 0 && IsOwnTrouble(finding.reason)) {
    return {std::min(kOwnTrouble.expire, lifetimes.temporary_expire),
            std::min(kOwnTrouble.refresh, lifetimes.temporary_refresh)};
  }
  switch (ClassOf(finding)) {
    case CacheClass::kPositive:
      return {lifetimes.positive_expire, lifetimes.positive_refresh};
    case CacheClass::kDomainPositive:
      return {lifetimes.domain_positive, lifetimes.domain_positive};
    case CacheClass::kNegative:
      return {lifetimes.negative_expire, lifetimes.negative_refresh};
    case CacheClass::kPositiveShort:
      return {lifetimes.positive_short_expire, lifetimes.positive_short_refresh};
    case CacheClass::kNegativeShort:
      return {lifetimes.negative_short_expire, lifetimes.negative_short_refresh};
    case CacheClass::kDomainShort:
      return {lifetimes.domain_short, lifetimes.domain_short};
    case CacheClass::kDomainNegative:
      // An answer of DNS about the domain is believed here no longer than as a fact of the domain.
      return {lifetimes.domain_negative_max, lifetimes.domain_negative_max};
    case CacheClass::kTemporary:
    case CacheClass::kSchedule:
    case CacheClass::kMxBackoff:
    case CacheClass::kMxBlock:
    case CacheClass::kCircuitOpen:
      return {lifetimes.temporary_expire, lifetimes.temporary_refresh};
  }
  return {lifetimes.temporary_expire, lifetimes.temporary_refresh};
}

absl::Duration CatchAllLifetime(CatchAll catch_all, const Lifetimes& lifetimes) {
  switch (catch_all) {
    case CatchAll::kYes:
    case CatchAll::kNo:
      return lifetimes.domain_positive;
    case CatchAll::kInconsistent:
      return lifetimes.domain_short;
    case CatchAll::kNotAsked:
    case CatchAll::kCouldNotTell:
      return lifetimes.temporary_expire;
  }
  return lifetimes.temporary_expire;
}

// When a breaker last met anything, or will be closed.
absl::Time LastOf(const BreakerState& state) {
  return std::max({state.last_failure_when, state.last_success, state.open_until});
}

}  // namespace

CatchAll CatchAllOf(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now) {
  const bool counts = fact.catch_all_when + CatchAllLifetime(fact.catch_all, lifetimes) >= now;
  return counts ? fact.catch_all : CatchAll::kNotAsked;
}

absl::Time RefreshOf(const Record& record, const Lifetimes& lifetimes) {
  const bool planned = record.next_probe != absl::InfiniteFuture();
  return planned ? record.next_probe : record.finding.when + LifetimeOf(record.finding, lifetimes).refresh;
}

bool Lingers(const Record& record, const Lifetimes& lifetimes, absl::Time now) {
  return record.finding.deliverability == Deliverability::kDeliverable &&
         record.finding.when + LifetimeOf(record.finding, lifetimes).expire + lifetimes.stale >= now;
}

absl::Time SecondLookOf(const Record& record, const Lifetimes& lifetimes) {
  const Finding& finding = record.finding;
  const bool may_change = finding.deliverability == Deliverability::kUndeliverable &&
                          finding.scope == Scope::kAddress &&
                          (finding.reason == Reason::kNone || RowOf(finding.reason).retry != RetryClass::kNever);
  if (lifetimes.second_look == absl::ZeroDuration() || !may_change) return absl::InfiniteFuture();
  const auto differs = std::find_if(record.history.begin(), record.history.end(), [](const PastFinding& past) {
    return past.deliverability != Deliverability::kUndeliverable;
  });
  const auto agreeing = differs - record.history.begin();
  const absl::Duration refresh = LifetimeOf(finding, lifetimes).refresh;
  const absl::Duration pause = agreeing <= 1   ? std::min(lifetimes.second_look, refresh)
                               : agreeing == 2 ? std::min(6 * lifetimes.second_look, refresh)
                                               : refresh;
  // A server in trouble is not asked at each question.
  const bool planned = record.next_probe != absl::InfiniteFuture();
  return std::max(finding.when + pause, planned ? record.next_probe : absl::InfinitePast());
}

absl::Time GraceOf(const Record& record, const Lifetimes& lifetimes) {
  const bool former = record.finding.deliverability == Deliverability::kUndeliverable &&
                      record.last_positive != absl::InfinitePast() &&
                      record.negative_since - record.last_positive <= lifetimes.former_user;
  return former ? record.negative_since + lifetimes.grace : absl::InfinitePast();
}

absl::Time ExpiryOf(const Record& record, const Lifetimes& lifetimes) {
  return record.finding.when + LifetimeOf(record.finding, lifetimes).expire;
}

absl::Time KeptUntil(const Record& record, const Lifetimes& lifetimes) {
  if (record.finding.when == absl::InfinitePast()) {
    return record.next_probe == absl::InfiniteFuture() ? absl::InfinitePast() : record.next_probe;
  }
  absl::Time expiry = ExpiryOf(record, lifetimes);
  if (Lingers(record, lifetimes, expiry)) expiry += lifetimes.stale;
  if (record.last_positive != absl::InfinitePast()) {
    expiry = std::max(expiry, record.last_positive + lifetimes.former_user);
  }
  if (record.temporary_count > 0) expiry = std::max(expiry, record.finding.when + 2 * lifetimes.max_defer);
  return expiry;
}

absl::Time ExpiryOf(const DomainFact& fact, const Lifetimes& lifetimes) {
  if (!fact.decides()) {
    const absl::Time pending = fact.pending.has_value()
                                   ? fact.pending->when + lifetimes.overturn + lifetimes.domain_negative_max
                                   : absl::InfinitePast();
    return std::max({fact.catch_all_when + CatchAllLifetime(fact.catch_all, lifetimes),
                     fact.alive + lifetimes.domain_positive, pending});
  }
  switch (ClassOf(fact.finding)) {
    case CacheClass::kPositive:
    case CacheClass::kDomainPositive:
      return fact.finding.when + lifetimes.domain_positive;
    case CacheClass::kDomainShort:
      return fact.finding.when + lifetimes.domain_short;
    case CacheClass::kNegative:
    case CacheClass::kDomainNegative:
      return fact.finding.when +
             std::max(lifetimes.domain_negative_min, std::min(fact.ttl, lifetimes.domain_negative_max));
    default:
      return fact.finding.when + lifetimes.temporary_expire;
  }
}

absl::Time ExpiryOf(const DestinationState& state, const Lifetimes& lifetimes) {
  // The doubt about a whole destination is not forgotten, either.
  if (state.trust.doubt != Doubt::kNone) return absl::InfiniteFuture();
  absl::Time last = std::max({LastOf(state.breaker), state.held_until, state.trust.last_accepted});
  for (const RestingSource& resting : state.resting) last = std::max(last, resting.until);
  return last + lifetimes.positive_expire;
}

absl::Time ExpiryOf(const DomainBreaker& breaker, const Lifetimes& lifetimes) {
  return std::max({LastOf(breaker.breaker), breaker.trust.last_accepted, breaker.trust.doubted_since}) +
         lifetimes.positive_expire;
}

Freshness FreshnessOf(const Record& record, const Lifetimes& lifetimes, absl::Time now) {
  const Lifetime lifetime = LifetimeOf(record.finding, lifetimes);
  const absl::Time made = record.finding.when;
  if (made + lifetime.expire < now) {
    const bool waits = record.next_probe != absl::InfiniteFuture() && record.next_probe > now;
    return waits && Lingers(record, lifetimes, now) ? Freshness::kStale : Freshness::kExpired;
  }
  if (made > now) return made - lifetime.refresh > now ? Freshness::kRefresh : Freshness::kFresh;
  const bool planned = record.next_probe != absl::InfiniteFuture();
  const bool due = planned ? record.next_probe <= now : made + lifetime.refresh < now;
  return due ? Freshness::kRefresh : Freshness::kFresh;
}

Freshness FreshnessOf(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now) {
  return ExpiryOf(fact, lifetimes) < now ? Freshness::kExpired : Freshness::kFresh;
}

}  // namespace verifyd
