#include "verifyd/history/decision_entry.h"

#include <optional>

#include "absl/strings/match.h"
#include "classifier/reason.h"
#include "mail/address.h"
#include "verifyd/history/decision_word.h"

namespace verifyd {
namespace {

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

DecisionEntry DecisionEntryFor(const MailRequest& request, const Ruling& ruling, Cache& cache, absl::Time now) {
  DecisionEntry entry;
  entry.word = WordFor(ruling);
  entry.reason = ReasonWord(ruling);
  entry.address = SubjectOf(request, ruling);
  if (const size_t at = entry.address.rfind('@'); at != absl::string_view::npos) {
    entry.domain = entry.address.substr(at + 1);
  }
  entry.when = now;
  const Verdict* const verdict = VerdictBehind(ruling);
  if (verdict != nullptr) {
    const Finding& finding = verdict->finding;
    entry.rule = finding.rule;
    entry.reply = finding.text;
    entry.accepts_all = finding.reason == Reason::kCatchAll || finding.reason == Reason::kProviderAcceptsAll;
    entry.deferred_since = verdict->deferred_since;
  }
  const Decision* const refusal = RefusalIn(ruling);
  if (refusal == nullptr) return entry;
  if (entry.reply.empty()) entry.reply = refusal->text;
  entry.accepted_before = (verdict != nullptr && verdict->grace) || AcceptedBefore(request, ruling, cache);
  return entry;
}

}  // namespace verifyd
