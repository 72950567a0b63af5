#include "cache/postfix_rule.h"

#include <utility>

#include "classifier/reason.h"

namespace verifyd {
namespace {

bool IsKnown(const Record& record) { return record.finding.when != absl::InfinitePast(); }

bool IsPositive(const Record& record) { return record.finding.deliverability == Deliverability::kDeliverable; }

void Rule(Finding& finding, Deliverability deliverability, Reason reason) {
  finding.rule = "postfix.class_digit";
  if (finding.deliverability == deliverability) return;
  finding.deliverability = deliverability;
  finding.reason = reason;
  finding.scope = RowOf(reason).scope;
}

}  // namespace

PostfixAnswer AskByPostfixRule(const std::optional<Record>& held, const Lifetimes& lifetimes, bool negative_cache,
                               absl::Time now) {
  PostfixAnswer answer;
  const bool probe_safe = !held.has_value() || held->next_probe == absl::InfiniteFuture() || held->next_probe < now;
  Record record = held.value_or(Record());
  if (held.has_value() && IsKnown(*held)) {
    const absl::Duration expire = IsPositive(*held) ? lifetimes.positive_expire : lifetimes.negative_expire;
    if (probe_safe && held->finding.when + expire < now) record = Record();
  }
  if (IsKnown(record)) answer.finding = record.finding;
  const absl::Duration refresh = IsPositive(record) ? lifetimes.positive_refresh : lifetimes.negative_refresh;
  answer.probe = probe_safe && record.finding.when + refresh < now;
  if (answer.probe && (IsKnown(record) || negative_cache)) {
    record.next_probe = now + kProbeLife;
    if (record.first_seen == absl::InfinitePast()) record.first_seen = now;
    answer.record = std::move(record);
  }
  return answer;
}

Finding ByClassDigit(Finding finding) {
  switch (finding.code / 100) {
    case 2:
      Rule(finding, Deliverability::kDeliverable, Reason::kAccepted);
      break;
    case 4:
      Rule(finding, Deliverability::kUnknown, Reason::kMailboxTemporary);
      break;
    case 5:
      Rule(finding, Deliverability::kUndeliverable, Reason::kRecipientRefused);
      break;
    default:
      break;
  }
  return finding;
}

std::optional<Record> UpdateByPostfixRule(const std::optional<Record>& held, const Finding& finding) {
  const bool positive = finding.deliverability == Deliverability::kDeliverable;
  if (!positive && held.has_value() && IsKnown(*held) && IsPositive(*held)) return std::nullopt;
  Record record;
  record.finding = finding;
  record.first_seen = held.has_value() ? held->first_seen : finding.when;
  if (positive) record.last_positive = finding.when;
  return record;
}

}  // namespace verifyd
