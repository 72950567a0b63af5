// A decision: what an MTA is told about one request.
//
// Thread: any (a value).
#ifndef VERIFYD_VERIFYD_RESTRICTION_DECISION_H_
#define VERIFYD_VERIFYD_RESTRICTION_DECISION_H_

#include <cstdint>
#include <string>

#include "mail/question.h"
#include "mail/verdict.h"

namespace verifyd {

enum class DecisionKind : uint8_t {
  kDunno,          // nothing against it; other restrictions go on
  kReject,         // now, with `code`
  kDefer,          // now, with `code`, which is a 4yz
  kDeferIfPermit,  // with a 4yz, unless something else refuses it
};

struct Decision {
  DecisionKind kind = DecisionKind::kDunno;
  int code = 0;
  std::string dsn;   // "5.1.1"
  std::string text;  // "undeliverable address: host ... said: ..."; printable, bounded

  bool refuses() const { return kind != DecisionKind::kDunno; }
};

// What Postfix's parameters of the same names say about one role (unverified_recipient_* or unverified_sender_*).
struct UnverifiedSettings {
  int reject_code = 450;
  int defer_code = 450;
  std::string reject_reason;
  bool defer_if_permit = true;
};

// The decision about an address of `role` whose verdict is `verdict`: by the default of its reason, worded as smtpd(8)
// words it (reject_unverified_address in postconf(5)).
Decision DecideOnVerdict(const Verdict& verdict, Role role, const UnverifiedSettings& settings);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_DECISION_H_
