#include "verifyd/door/access_action.h"

#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {

std::string AccessAction(const Ruling& ruling) {
  const Decision& decision = ruling.decision;
  switch (decision.kind) {
    case DecisionKind::kReject:
    case DecisionKind::kDefer:
      return absl::StrCat(decision.code, " ", decision.dsn, " ", AsciiText(decision.text));
    case DecisionKind::kDeferIfPermit:
      return absl::StrCat("DEFER_IF_PERMIT ", decision.dsn, " ", AsciiText(decision.text));
    case DecisionKind::kDunno:
      break;
  }
  // Only one action can be said; holding or redirecting mail matters more than a warning.
  if (!ruling.action.empty()) return ruling.action;
  return ruling.warning.has_value() ? absl::StrCat("WARN ", Warned(*ruling.warning)) : "";
}

std::string Warned(const Decision& warning) {
  return absl::StrCat("would ", warning.kind == DecisionKind::kReject ? "reject" : "defer", ": ", warning.code, " ",
                      warning.dsn, " ", warning.text);
}

}  // namespace verifyd
