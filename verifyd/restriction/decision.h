// A decision: what an MTA is told about one request.
//
// Thread: any (a value).
#ifndef VERIFYD_VERIFYD_RESTRICTION_DECISION_H_
#define VERIFYD_VERIFYD_RESTRICTION_DECISION_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "classifier/reason.h"
#include "mail/finding.h"
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
  int code = 0;      // 0: the MTA's own
  std::string dsn;   // "5.1.1"
  std::string text;  // "undeliverable address: host ... said: ..."; printable, bounded

  bool refuses() const { return kind != DecisionKind::kDunno; }
};

// The operator's decisions in place of the defaults, by the number of the reason; for one use.
using DecisionTable = std::array<std::optional<DefaultDecision>, kReasonCount>;

// The tables of the three uses of a verdict: "inbound", "sender", "outbound". `value` is a word for all ("defer"), or
// words by use ("inbound=reject sender=permit"). Errors name what was found and expected.
struct DecisionTables {
  DecisionTable inbound;
  DecisionTable sender;
  DecisionTable outbound;
  absl::Status Set(Reason reason, absl::string_view value);
};

// disclose_probe_details: clients are told what a mail server said, with its name and address, always, where these are
// public, or never. Otherwise they are told the name of the reason.
enum class Disclosure : uint8_t { kYes, kPublic, kNo };

// Postfix's parameters of the same names for one role (unverified_recipient_* or unverified_sender_*).
struct UnverifiedSettings {
  int reject_code = 450;
  int defer_code = 450;
  std::string reject_reason;
  Disclosure disclosure = Disclosure::kPublic;
  bool defer_if_permit = true;
  // Decisions bear a code and words of smtpd(8). If not, the MTA has its own, and `text` is the reason alone.
  bool worded = true;
  DecisionTables decisions;  // decision_table
};

// The use of a verdict: for a recipient of our own domains, for a sender, for a recipient elsewhere (policy_context
// submission).
enum class Use : uint8_t { kInbound, kSender, kOutbound };

// True where an address is decided on differently if its server is known to accept everybody, or if that could not be
// told.
bool CatchAllMatters(Use use, const DecisionTables& tables);

// Returns the decision about an address with this verdict: by the operator's table or the default of its reason, in the
// words of smtpd(8) (reject_unverified_address in postconf(5)).
Decision DecideOnVerdict(const Verdict& verdict, Use use, const UnverifiedSettings& settings);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_DECISION_H_
