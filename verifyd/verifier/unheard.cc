#include "verifyd/verifier/unheard.h"

namespace verifyd {

void Unheard::Keep(const Address& address, const Verdict& verdict) {
  const auto worth = [](const Answer& answer) { return answer.when; };
  answers_.FindOrAdd(address.Key(), {}, worth) = {.when = clock_.Mono(), .verdict = verdict};
}

std::optional<Verdict> Unheard::Take(const Address& address) {
  if (answers_.size() == 0) return std::nullopt;
  const std::string key = address.Key();
  const Answer* const answer = answers_.Find(key);
  if (answer == nullptr) return std::nullopt;
  std::optional<Verdict> verdict;
  if (clock_.Mono() - answer->when <= kKept) verdict = answer->verdict;
  answers_.Erase(key);
  return verdict;
}

}  // namespace verifyd
