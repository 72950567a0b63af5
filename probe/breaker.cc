#include "probe/breaker.h"

#include <algorithm>
#include <cstdint>

#include "absl/random/distributions.h"

namespace verifyd {

Breaker::Gate Breaker::Pass(absl::Time now) {
  if (state_.open_until == absl::InfinitePast()) return Gate::kClosed;
  // Twice the pause is the longest wait: a clock that was set back does not keep it open for ever.
  if (state_.open_until > now && state_.open_until - now <= 2 * state_.back_off) return Gate::kOpen;
  if (trying_) return Gate::kOpen;
  trying_ = true;
  return Gate::kTrial;
}

bool Breaker::NoteSuccess(absl::Time now) {
  const bool worth_keeping =
      state_.failures > 0 || state_.back_off > absl::ZeroDuration() || state_.last_success == absl::InfinitePast();
  state_.failures = 0;
  state_.back_off = absl::ZeroDuration();
  state_.open_until = absl::InfinitePast();
  state_.open_reason = Reason::kNone;
  state_.last_success = now;
  return worth_keeping;
}

bool Breaker::NoteFailure(Reason reason, const BreakerPause& pause, absl::Time now, absl::BitGenRef random) {
  const bool first = state_.failures == 0;
  if (state_.failures < UINT32_MAX) ++state_.failures;
  state_.last_failure = reason;
  state_.last_failure_when = now;
  if (state_.failures < kFailures) return first;
  return Trip(reason, pause, now, random) || first;
}

bool Breaker::Trip(Reason reason, const BreakerPause& pause, absl::Time now, absl::BitGenRef random) {
  state_.last_failure = reason;
  state_.last_failure_when = now;
  // Probes that were on their way when it opened say nothing new.
  if (open(now)) return false;
  const absl::Duration wanted = std::clamp(2 * state_.back_off, pause.first, pause.longest);
  state_.back_off = wanted;
  state_.open_until = now + wanted * absl::Uniform(random, 0.8, 1.2);
  state_.open_reason = reason;
  return true;
}

void Breaker::Reset() {
  state_.failures = 0;
  state_.last_failure = Reason::kNone;
  state_.last_failure_when = absl::InfinitePast();
  state_.back_off = absl::ZeroDuration();
  state_.open_until = absl::InfinitePast();
  state_.open_reason = Reason::kNone;
}

bool Breaker::blank(absl::Time now) const {
  if (trying_ || open(now)) return false;
  return (state_.failures == 0 && state_.back_off == absl::ZeroDuration()) || now - state_.last_failure_when > kMemory;
}

}  // namespace verifyd
