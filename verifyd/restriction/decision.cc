#include "verifyd/restriction/decision.h"

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "verdict/reason.h"

namespace verifyd {
namespace {

DefaultDecision DefaultFor(const Verdict& verdict, Role role) {
  const Finding& finding = verdict.finding;
  if (finding.reason == Reason::kNone) {  // a pin: the operator's word
    return finding.deliverability == Deliverability::kUndeliverable ? DefaultDecision::kReject
                                                                    : DefaultDecision::kPermit;
  }
  const ReasonRow& row = RowOf(finding.reason);
  // A finding may be more careful than its reason's row, never less.
  DefaultDecision decision = role == Role::kRecipient ? row.inbound : row.sender;
  if (decision == DefaultDecision::kReject && finding.deliverability != Deliverability::kUndeliverable) {
    decision = DefaultDecision::kDefer;
  }
  if (verdict.grace && decision == DefaultDecision::kReject) decision = DefaultDecision::kDefer;
  return decision;
}

}  // namespace

Decision DecideOnVerdict(const Verdict& verdict, Role role, const UnverifiedSettings& settings) {
  Decision decision;
  DefaultDecision wanted = DefaultDecision::kPermit;
  switch (verdict.state) {
    case VerdictState::kKnown:
      wanted = DefaultFor(verdict, role);
      break;
    case VerdictState::kInProgress:
    case VerdictState::kNotCached:  // memory was all that could be asked: too many connections
      wanted = DefaultDecision::kDefer;
      break;
    case VerdictState::kNotVerifiable:
      break;
  }
  if (wanted == DefaultDecision::kPermit) return decision;
  decision.code = wanted == DefaultDecision::kReject ? settings.reject_code : settings.defer_code;
  const int code_class = decision.code / 100;
  if (code_class == 2) {  // the operator accepts what he knows to be bad, as Postfix lets him
    decision.code = 0;
    return decision;
  }
  decision.dsn = absl::StrCat(code_class, role == Role::kRecipient ? ".1.1" : ".1.7");
  absl::string_view why = verdict.finding.text;
  if (verdict.state == VerdictState::kNotCached) why = "Too many address verification requests";
  if (!settings.reject_reason.empty()) why = settings.reject_reason;
  decision.text = absl::StrCat(code_class == 4 ? "unverified address: " : "undeliverable address: ",
                               Printable(why, Finding::kMaxText));
  if (code_class != 4) {
    decision.kind = DecisionKind::kReject;
  } else {
    decision.kind = settings.defer_if_permit ? DecisionKind::kDeferIfPermit : DecisionKind::kDefer;
  }
  return decision;
}

}  // namespace verifyd
