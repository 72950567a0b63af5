#include "verifyd/restriction/rate_counter.h"

#include <string>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"

namespace verifyd {

bool RateCounter::Exceeds(const RateLimit& limit, absl::string_view who) {
  const uint64_t key = absl::HashOf(absl::string_view(limit.name), absl::AsciiStrToLower(who));
  const MonoTime now = clock_.Mono();
  const auto worth = [now](const Count& other) { return now >= other.ends ? -1 : other.requests; };
  Count& count = counts_.FindOrAdd(key, {.ends = now + limit.period}, worth);
  if (now >= count.ends) count = {.ends = now + limit.period};
  return ++count.requests > limit.count;
}

}  // namespace verifyd
