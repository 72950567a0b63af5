#include "verifyd/restriction/rate_counter.h"

#include <string>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"

namespace verifyd {

bool RateCounter::Exceeds(const RateLimit& limit, absl::string_view who) {
  if (counts_.size() >= kMaxCounts) counts_.clear();
  const uint64_t key = absl::HashOf(absl::string_view(limit.name), absl::AsciiStrToLower(who));
  const MonoTime now = clock_.Mono();
  const auto [found, fresh] = counts_.try_emplace(key, Count{.begun = now});
  Count& count = found->second;
  if (now - count.begun >= limit.period) count = {.begun = now};
  return ++count.requests > limit.count;
}

}  // namespace verifyd
