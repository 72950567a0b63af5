// Lifetimes: when a remembered value is fresh, due for a refresh, or too old to be believed.
//
// Thread: any (pure functions).
#ifndef VERIFYD_CACHE_LIFETIME_H_
#define VERIFYD_CACHE_LIFETIME_H_

#include <cstdint>

#include "absl/time/time.h"
#include "cache/record.h"
#include "mail/destination_state.h"
#include "mail/domain_fact.h"

namespace verifyd {

// Postfix's names and defaults where it has them.
struct Lifetimes {
  absl::Duration positive_expire = absl::Hours(24 * 31);  // address_verify_positive_expire_time
  absl::Duration positive_refresh = absl::Hours(24 * 7);  // address_verify_positive_refresh_time
  absl::Duration negative_expire = absl::Hours(24 * 3);   // address_verify_negative_expire_time
  absl::Duration negative_refresh = absl::Hours(3);       // address_verify_negative_refresh_time
  // Answers that say less than they seem to (cache classes positive_short and negative_short):
  // address_verify_positive_short_*_time, address_verify_negative_short_*_time.
  absl::Duration positive_short_expire = absl::Hours(24);
  absl::Duration positive_short_refresh = absl::Hours(3);
  absl::Duration negative_short_expire = absl::Hours(3);
  absl::Duration negative_short_refresh = absl::Hours(1);
  absl::Duration temporary_expire = absl::Hours(1);      // address_verify_temporary_expire_time
  absl::Duration temporary_refresh = absl::Minutes(5);   // address_verify_temporary_refresh_time
  absl::Duration domain_positive = absl::Hours(24 * 7);  // address_verify_domain_positive_expire_time
  absl::Duration domain_short = absl::Hours(1);          // address_verify_domain_short_expire_time
  // Domain facts of DNS live as long as DNS says, between these two: address_verify_domain_negative_{min,max}_time.
  absl::Duration domain_negative_min = absl::Minutes(5);
  absl::Duration domain_negative_max = absl::Hours(3);

  absl::Duration overturn = absl::Hours(1);           // address_verify_overturn_time
  absl::Duration stale = absl::Hours(24 * 7);         // address_verify_stale_time
  absl::Duration second_look = absl::Minutes(5);      // address_verify_second_look; 0: none
  absl::Duration grace = absl::Hours(24);             // address_verify_grace_time
  absl::Duration former_user = absl::Hours(24 * 90);  // address_verify_former_user_time
  absl::Duration max_defer = absl::Hours(24);         // unverified_recipient_max_defer_time
};

enum class Freshness : uint8_t {
  kFresh,    // answer
  kRefresh,  // answer, and probe again
  kStale,    // expired, but still answered: a positive whose destination could not be asked, asked again later
  kExpired,  // treated as absent
};

// Returns the freshness of a record's standing finding at `now`. Comparisons are strict, as in Postfix: expired if made
// before now - expire, due for refresh if made before now - refresh. Where the record has a planned next probe
// (Record::next_probe), that alone says when it is due for refresh.
//
// A record whose time lies in the future (the clock was set back) is never expired: a machine that starts with its
// clock at 1970 must not forget every user. Where it lies further ahead than the refresh time, it is due for refresh,
// and the probe gives it the present time.
Freshness FreshnessOf(const Record& record, const Lifetimes& lifetimes, absl::Time now);
// A domain fact is not refreshed ahead: it is fresh, then expired.
Freshness FreshnessOf(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now);

// Returns what is known of catch-all if it is still believed at `now`; else kNotAsked.
CatchAll CatchAllOf(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now);

// Returns when the record becomes due for refresh, if it has not expired by then.
absl::Time RefreshOf(const Record& record, const Lifetimes& lifetimes);
// Returns true for an expired positive that may still be answered while nothing better can be had
// (address_verify_stale_time).
bool Lingers(const Record& record, const Lifetimes& lifetimes, absl::Time now);
// Returns when a question about a negative begins to wait for a new probe rather than being answered at once: a mailbox
// may have been made since. The pauses grow with every probe that agreed: second_look, six times that, the refresh
// time. InfiniteFuture where another look would say nothing new.
absl::Time SecondLookOf(const Record& record, const Lifetimes& lifetimes);
// Returns until when a negative is only deferred, because the address existed not long ago. InfinitePast: it never did.
absl::Time GraceOf(const Record& record, const Lifetimes& lifetimes);

// Returns until when the value is believed. A value that was never given a time is not worth keeping (InfinitePast).
absl::Time ExpiryOf(const Record& record, const Lifetimes& lifetimes);
// Returns until when the cleaner leaves a record where it is, which is longer than it is believed. A positive is
// remembered for former_user; temporary answers are kept as long as it matters how long there was nothing else.
absl::Time KeptUntil(const Record& record, const Lifetimes& lifetimes);
absl::Time ExpiryOf(const DomainFact& fact, const Lifetimes& lifetimes);
// A destination where nothing has happened for the longest lifetime of an address is forgotten, unless it is in doubt.
absl::Time ExpiryOf(const DestinationState& state, const Lifetimes& lifetimes);
// A domain there is forgotten in the same way, also one in doubt: strangers make many.
absl::Time ExpiryOf(const DomainBreaker& breaker, const Lifetimes& lifetimes);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_LIFETIME_H_
