#include "verifyd/history/decided.h"

#include <optional>

#include "absl/strings/match.h"
#include "classifier/reason.h"
#include "mail/address.h"

namespace verifyd {
namespace {

// Returns the refusal that was said, or would have been; null where nothing was to be refused.
const Decision* RefusalIn(const Ruling& ruling) {
  if (ruling.decision.refuses()) return &ruling.decision;
  return ruling.warning.has_value() ? &*ruling.warning : nullptr;
}

Action ActionOf(const Ruling& ruling) {
  const Decision* const refusal = RefusalIn(ruling);
  if (refusal == nullptr) return Action::kDunno;
  const bool rejects = refusal->kind == DecisionKind::kReject;
  if (ruling.decision.refuses()) return rejects ? Action::kReject : Action::kDefer;
  return rejects ? Action::kWouldReject : Action::kWouldDefer;
}

// Returns the verdict that a refusal stands on, null where another restriction refused. For mail that was let through
// it is the last verdict.
const Verdict* VerdictBehind(const Ruling& ruling) {
  if (!ruling.verdict.has_value()) return nullptr;
  const bool of_verdict = RefusalIn(ruling) == nullptr || absl::StartsWith(ruling.restriction, "reject_unverified_");
  return of_verdict ? &*ruling.verdict : nullptr;
}

Role SubjectRole(const MailRequest& request, const Ruling& ruling) {
  const bool of_sender = RefusalIn(ruling) != nullptr && absl::StrContains(ruling.restriction, "sender");
  return of_sender || request.recipient.empty() ? Role::kSender : Role::kRecipient;
}

// The verdict says so where it is about the one who was decided on.
bool AcceptedBefore(const MailRequest& request, const Ruling& ruling, Cache& cache) {
  const bool about_him = ruling.verdict.has_value() && ruling.verdict_on == SubjectRole(request, ruling);
  if (about_him && ruling.verdict->accepted_before.has_value()) return *ruling.verdict->accepted_before;
  const absl::string_view text = SubjectOf(request, ruling);
  const absl::StatusOr<Address> address = Address::FromUnquoted(text);
  if (!address.ok()) return false;
  const std::optional<Record> record = cache.FindRecord(address->Key());
  return record.has_value() && record->last_positive != absl::InfinitePast();
}

}  // namespace

absl::string_view ReasonWord(const Ruling& ruling) {
  const Verdict* const verdict = VerdictBehind(ruling);
  if (verdict == nullptr) {
    if (RefusalIn(ruling) == nullptr) return "not_asked";
    return ruling.restriction.empty() ? "own_probe" : ruling.restriction;
  }
  switch (verdict->state) {
    case VerdictState::kKnown:
      break;
    case VerdictState::kInProgress:
      return "in_progress";
    case VerdictState::kNotCached:
      return "not_cached";
    case VerdictState::kNotVerifiable:
      return "not_verifiable";
  }
  const Reason reason = verdict->finding.reason;
  return reason == Reason::kNone ? "pin" : ReasonName(reason);
}

absl::string_view SubjectOf(const MailRequest& request, const Ruling& ruling) {
  return SubjectRole(request, ruling) == Role::kSender ? request.sender : request.recipient;
}

Decided DecidedOn(const MailRequest& request, const Ruling& ruling, Cache& cache, absl::Time now) {
  Decided decided;
  decided.action = ActionOf(ruling);
  decided.reason = ReasonWord(ruling);
  decided.address = SubjectOf(request, ruling);
  if (const size_t at = decided.address.rfind('@'); at != absl::string_view::npos) {
    decided.domain = decided.address.substr(at + 1);
  }
  decided.when = now;
  const Verdict* const verdict = VerdictBehind(ruling);
  if (verdict != nullptr) {
    const Finding& finding = verdict->finding;
    decided.rule = finding.rule;
    decided.reply = finding.text;
    decided.accepts_all = finding.reason == Reason::kCatchAll || finding.reason == Reason::kProviderAcceptsAll;
    decided.deferred_since = verdict->deferred_since;
  }
  const Decision* const refusal = RefusalIn(ruling);
  if (refusal == nullptr) return decided;
  if (decided.reply.empty()) decided.reply = refusal->text;
  decided.accepted_before = (verdict != nullptr && verdict->grace) || AcceptedBefore(request, ruling, cache);
  return decided;
}

}  // namespace verifyd
