// Merges a new finding into the record that the cache holds. The rules:
//
//  - A definite finding replaces a temporary, risky or missing one, and one of the same deliverability.
//  - A temporary finding never overwrites a live risky or definite one: it is counted, and the record stands.
//  - One negative never overturns a live positive: it is kept as pending. A second one, at least `overturn` after the
//    first, does. A positive in between clears it. Time that the wall clock skipped does not count.
//  - Only a negative about the address can overturn a live positive of it: a negative about its domain does not.
//  - A positive overturns a negative at once: refusing a real mailbox is the worse mistake.
//  - An expired finding is no evidence. But an expired positive stands while only temporary answers come, for as long
//    as it lingers (lifetime.h).
//
// A record that stands against a finding gets a time for the next probe: when a second opinion counts, or after
// `temporary_refresh`; until then it is not due for refresh, so that a server in trouble is not asked at each question.
//
// Thread: any (pure functions).
#ifndef VERIFYD_CACHE_MERGE_H_
#define VERIFYD_CACHE_MERGE_H_

#include <optional>

#include "absl/time/time.h"
#include "base/skipped_time.h"
#include "cache/lifetime.h"
#include "cache/record.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"

namespace verifyd {

// Returns the record after `finding`, made at finding.when. `held` may be empty. Only the caller knows our identity: it
// sets Record::retry_identity where a retry was promised; a definite finding clears it here.
Record Merge(const std::optional<Record>& held, const Finding& finding, const Lifetimes& lifetimes,
             const SkippedTime& skipped = {});

// Returns the fact about a domain after `fact`, found at `now`. A negative about a domain whose servers talked to us
// within Lifetimes::domain_positive is only pending until a second one comes, at least `overturn` later. Servers' word
// that they do not host the domain always needs a second one.
DomainFact MergeFact(const std::optional<DomainFact>& held, const DomainFact& fact, const Lifetimes& lifetimes,
                     absl::Time now, const SkippedTime& skipped = {});

}  // namespace verifyd

#endif  // VERIFYD_CACHE_MERGE_H_
