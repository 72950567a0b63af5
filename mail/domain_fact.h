// A domain fact: something that holds for every address of a domain: the domain does not exist, it has a null MX, it
// accepts every address.
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_DOMAIN_FACT_H_
#define VERIFYD_MAIL_DOMAIN_FACT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "mail/finding.h"

namespace verifyd {

// Whether the domain accepts addresses that can not exist. Inconsistent: one such address, but not another. The numbers
// are written into the store: only append.
enum class CatchAll : uint8_t { kNotAsked = 0, kYes = 1, kNo = 2, kCouldNotTell = 3, kInconsistent = 4 };

struct DomainFact {
  std::string domain;  // as Address::domain()
  // The finding of a fact that decides about every address (reason no_such_domain, domain_null_mx, ...). Its reason is
  // kNone when the fact is only about catch-all.
  Finding finding;
  // How long DNS lets the fact be believed; the cache clamps it. Zero: DNS did not say.
  absl::Duration ttl = absl::ZeroDuration();
  CatchAll catch_all = CatchAll::kNotAsked;
  absl::Time catch_all_when = absl::InfinitePast();
  std::string catch_all_at;  // name of the destination that was asked: another one may behave differently
  // When a mail server of the domain last talked to us: one answer of DNS does not make such a domain disappear.
  absl::Time alive = absl::InfinitePast();
  // A negative finding that waits for a second one, because the domain was alive.
  std::optional<Finding> pending;

  bool decides() const { return finding.reason != Reason::kNone; }
  friend bool operator==(const DomainFact&, const DomainFact&) = default;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_DOMAIN_FACT_H_
