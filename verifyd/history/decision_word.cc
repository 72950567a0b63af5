#include "verifyd/history/decision_word.h"

#include <array>

namespace verifyd {

absl::string_view DecisionWordName(DecisionWord word) {
  static constexpr std::array<absl::string_view, kDecisionWordCount> kNames = {
      "dunno", "reject", "defer", "would_reject", "would_defer", "not_known"};
  return kNames[static_cast<size_t>(word)];
}

const Decision* RefusalIn(const Ruling& ruling) {
  if (ruling.decision.refuses()) return &ruling.decision;
  return ruling.warning.has_value() ? &*ruling.warning : nullptr;
}

DecisionWord WordFor(const Ruling& ruling) {
  const Decision* const refusal = RefusalIn(ruling);
  if (refusal == nullptr) return DecisionWord::kDunno;
  const bool rejects = refusal->kind == DecisionKind::kReject;
  if (ruling.decision.refuses()) return rejects ? DecisionWord::kReject : DecisionWord::kDefer;
  return rejects ? DecisionWord::kWouldReject : DecisionWord::kWouldDefer;
}

}  // namespace verifyd
