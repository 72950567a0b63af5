// The rule of Postfix's verify(8), bug for bug, for who wants exactly its behaviour (address_verify_verdict_policy =
// postfix): the class digit decides, a temporary failure is remembered like a refusal, an expired positive goes, and
// one failure never overwrites a stored positive. See VERIFY_README and verify(8).
//
// A record says in its own fields what verify(8) keeps: the status is the finding's deliverability, the time of the
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

// For so long a probe is not repeated; then it counts as lost.
constexpr absl::Duration kProbeLife = absl::Seconds(1000);

struct PostfixAnswer {
  // What is answered; nothing: "in progress".
  std::optional<Finding> finding;
  // A probe is to be made.
  bool probe = false;
  // What is to be stored, if anything is.
  std::optional<Record> record;
};

// What a question is answered, from what is held.
PostfixAnswer AskByPostfixRule(const std::optional<Record>& held, const Lifetimes& lifetimes, bool negative_cache,
                               absl::Time now);

// What the class digit says of `finding`; what happened without a reply keeps its meaning.
Finding ByClassDigit(Finding finding);
// The record after `finding` (of ByClassDigit); nothing where it changes nothing.
std::optional<Record> UpdateByPostfixRule(const std::optional<Record>& held, const Finding& finding);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_POSTFIX_RULE_H_
