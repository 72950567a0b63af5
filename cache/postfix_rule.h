// The rule of Postfix's verify(8), bug for bug, for operators who want exactly its behaviour
// (address_verify_verdict_policy = postfix): the class digit decides, a temporary failure is remembered like a refusal,
// an expired positive goes, and one failure never overwrites a stored positive. See VERIFY_README and verify(8).
//
// The fields of a record hold the entry of verify(8): the status is the finding's deliverability, the time of the
// update its `when` (InfinitePast: nothing is known yet), and the time of the probe is `next_probe` less kProbeLife.
//
// Thread: any (pure functions).
#ifndef VERIFYD_CACHE_POSTFIX_RULE_H_
#define VERIFYD_CACHE_POSTFIX_RULE_H_

#include <optional>

#include "absl/time/time.h"
#include "cache/lifetime.h"
#include "cache/record.h"
#include "mail/finding.h"

namespace verifyd {

// A probe is not repeated for so long; then it counts as lost.
constexpr absl::Duration kProbeLife = absl::Seconds(1000);

struct PostfixAnswer {
  // The answer; nothing: "in progress".
  std::optional<Finding> finding;
  // a probe is to be made
  bool probe = false;
  // the record to store, if any
  std::optional<Record> record;
};

// Returns the answer to a question, from the record held.
PostfixAnswer AskByPostfixRule(const std::optional<Record>& held, const Lifetimes& lifetimes, bool negative_cache,
                               absl::Time now);

// Returns `finding` judged by the class digit of its reply; a finding without a reply keeps its meaning.
Finding ByClassDigit(Finding finding);
// Returns the record after `finding` (of ByClassDigit); nothing where it changes nothing.
std::optional<Record> UpdateByPostfixRule(const std::optional<Record>& held, const Finding& finding);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_POSTFIX_RULE_H_
