#include "verifyd/json/shown_verdict.h"

#include <utility>

#include "classifier/reason.h"

namespace verifyd {
namespace {

absl::string_view StateName(VerdictState state) {
  switch (state) {
    case VerdictState::kKnown:
      return "known";
    case VerdictState::kInProgress:
      return "in_progress";
    case VerdictState::kNotCached:
      return "not_cached";
    case VerdictState::kNotVerifiable:
      return "not_verifiable";
  }
  return "not_cached";
}

absl::string_view KindName(DialogueLine::Kind kind) {
  switch (kind) {
    case DialogueLine::Kind::kNote:
      return "note";
    case DialogueLine::Kind::kSent:
      return "sent";
    case DialogueLine::Kind::kReceived:
      return "received";
  }
  return "note";
}

}  // namespace

ShownFinding Shown(const Finding& finding) {
  ShownFinding shown{.rule = finding.rule,
                     .code = finding.code,
                     .enhanced = finding.enhanced.ToString(),
                     .text = finding.text,
                     .mx = finding.mx_name,
                     .mx_address = finding.mx_address,
                     .updated = finding.when};
  if (finding.reason != Reason::kNone) {
    shown.reason = ReasonName(finding.reason);
    shown.scope = ScopeName(finding.scope);
    shown.stage = StageName(finding.stage);
  }
  if (finding.source != FindingSource::kProbe) shown.learned_from = FindingSourceName(finding.source);
  return shown;
}

ShownDialogue Shown(const std::vector<DialogueLine>& lines) {
  ShownDialogue dialogue;
  dialogue.reserve(lines.size());
  for (const DialogueLine& line : lines) {
    dialogue.push_back({.at_ms = absl::ToDoubleMilliseconds(absl::Trunc(line.at, absl::Microseconds(10))),
                        .kind = KindName(line.kind),
                        .text = absl::string_view(line.text)});
  }
  return dialogue;
}

ShownVerdict Shown(absl::string_view address, const Verdict& verdict) {
  ShownVerdict shown{.address = address,
                     .status = DeliverabilityName(verdict.deliverability()),
                     .state = StateName(verdict.state),
                     .source = VerdictSourceName(verdict.source),
                     .finding = {Shown(verdict.finding)},
                     .transcript = Shown(verdict.dialogue)};
  if (verdict.state == VerdictState::kKnown) {
    shown.age_s = absl::ToInt64Seconds(verdict.age);
    shown.refreshing = verdict.refreshing;
    shown.grace = verdict.grace;
    shown.deferred_since = verdict.deferred_since;
  }
  return shown;
}

}  // namespace verifyd
