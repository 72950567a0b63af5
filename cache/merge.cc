#include "cache/merge.h"

#include <algorithm>

#include "absl/time/time.h"

namespace verifyd {
namespace {

// A finding that knows less does not overwrite one that knows more.
int Weight(const Finding& finding) {
  if (finding.definite()) return 2;
  return finding.deliverability == Deliverability::kRisky ? 1 : 0;
}

bool Overturns(const Finding& finding, const Finding& standing) {
  return standing.deliverability == Deliverability::kDeliverable &&
         finding.deliverability == Deliverability::kUndeliverable;
}

// Adds `finding` to the history, whatever happens to the standing one.
void Remember(Record& record, const Finding& finding) {
  record.history.insert(record.history.begin(), PastFinding{.when = finding.when,
                                                            .deliverability = finding.deliverability,
                                                            .reason = finding.reason,
                                                            .scope = finding.scope,
                                                            .stage = finding.stage,
                                                            .code = finding.code});
  if (record.history.size() > Record::kMaxHistory) record.history.resize(Record::kMaxHistory);
  if (finding.deliverability == Deliverability::kDeliverable) record.last_positive = finding.when;
  if (finding.definite()) {
    record.first_temporary = absl::InfinitePast();
    record.temporary_count = 0;
    record.retry_identity.reset();
  } else if (finding.deliverability == Deliverability::kUnknown) {
    if (record.temporary_count == 0) record.first_temporary = finding.when;
    ++record.temporary_count;
  }
}

void Stand(Record& record, const Finding& finding) {
  const bool negative = finding.deliverability == Deliverability::kUndeliverable;
  if (!negative) {
    record.negative_since = absl::InfinitePast();
  } else if (record.negative_since == absl::InfinitePast()) {
    record.negative_since = finding.when;
  }
  record.finding = finding;
  record.pending.reset();
  record.next_probe = absl::InfiniteFuture();
}

// Expired evidence counts for nothing, nor does evidence from a clock that was set back.
bool PendingCounts(const Record& record, const Lifetimes& lifetimes, absl::Time now) {
  return record.pending.has_value() && record.pending->when <= now &&
         record.pending->when + lifetimes.overturn + lifetimes.negative_expire >= now;
}

// Handles a negative about the address against a live positive.
void Contradict(Record& record, const Finding& finding, const Lifetimes& lifetimes, const SkippedTime& skipped) {
  if (!PendingCounts(record, lifetimes, finding.when)) record.pending = finding;
  const absl::Duration apart = skipped.Between(record.pending->when, finding.when);
  if (apart >= lifetimes.overturn) return Stand(record, finding);
  record.next_probe = finding.when + lifetimes.overturn - apart;
}

}  // namespace

DomainFact MergeFact(const std::optional<DomainFact>& held, const DomainFact& fact, const Lifetimes& lifetimes,
                     absl::Time now, const SkippedTime& skipped) {
  DomainFact merged = fact;
  // Two are needed where servers said it. DNS says where the servers are, so its word is enough.
  const bool needs_two = fact.finding.reason == Reason::kDomainNotHosted && fact.finding.code != 0;
  if (!held.has_value()) {
    if (needs_two) {
      merged = DomainFact();
      merged.domain = fact.domain;
      merged.pending = fact.finding;
    }
    return merged;
  }
  if (!fact.decides()) {
    merged.alive = std::max(merged.alive, held->alive);
    if (merged.catch_all == CatchAll::kNotAsked) {
      merged.catch_all = held->catch_all;
      merged.catch_all_when = held->catch_all_when;
      merged.catch_all_at = held->catch_all_at;
    }
    return merged;
  }
  if (fact.finding.deliverability != Deliverability::kUndeliverable) return merged;
  const bool alive = held->alive <= now && skipped.Between(held->alive, now) <= lifetimes.domain_positive;
  if (!alive && !needs_two) return merged;
  const bool evidence = held->pending.has_value() && held->pending->when <= now &&
                        now - held->pending->when <= lifetimes.overturn + lifetimes.domain_negative_max;
  if (evidence && skipped.Between(held->pending->when, now) >= lifetimes.overturn) return merged;
  merged = *held;
  if (!evidence) merged.pending = fact.finding;
  return merged;
}

Record Merge(const std::optional<Record>& held, const Finding& finding, const Lifetimes& lifetimes,
             const SkippedTime& skipped) {
  Record record;
  if (held.has_value()) {
    record = *held;
  } else {
    record.first_seen = finding.when;
  }
  const Freshness freshness = held.has_value() ? FreshnessOf(*held, lifetimes, finding.when) : Freshness::kExpired;
  const bool lingers =
      finding.deliverability == Deliverability::kUnknown && held.has_value() && Lingers(*held, lifetimes, finding.when);
  const bool live = lingers || freshness == Freshness::kFresh || freshness == Freshness::kRefresh;
  Remember(record, finding);
  if (!live || (Weight(finding) >= Weight(held->finding) && !Overturns(finding, held->finding))) {
    Stand(record, finding);
  } else if (Overturns(finding, held->finding) && finding.scope == Scope::kAddress) {
    Contradict(record, finding, lifetimes, skipped);
  } else {
    record.next_probe = finding.when + lifetimes.temporary_refresh;
    // The second opinion is not asked for before it counts. Nor is it asked for ever of a server that can not be asked.
    if (!PendingCounts(record, lifetimes, finding.when)) record.pending.reset();
    if (record.pending.has_value()) {
      record.next_probe = std::max(record.next_probe, record.pending->when + lifetimes.overturn);
    }
  }
  return record;
}

}  // namespace verifyd
