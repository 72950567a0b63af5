#include "verifyd/verifier/second_looks.h"

#include "absl/time/time.h"

namespace verifyd {

bool SecondLooks::Looks::past(MonoTime now) const { return count == 0 || now - since >= absl::Minutes(1); }

bool SecondLooks::Allowed(const std::string& domain) const {
  const Looks* const looks = domains_.Find(domain);
  return looks == nullptr || looks->past(clock_.Mono()) || looks->count < kOfADomain;
}

void SecondLooks::Note(const std::string& domain) {
  const MonoTime now = clock_.Mono();
  const auto worth = [now](const Looks& looks) { return looks.past(now) ? 0 : looks.count; };
  Looks& looks = domains_.FindOrAdd(domain, {}, worth);
  if (looks.past(now)) looks = {.since = now};
  ++looks.count;
}

}  // namespace verifyd
