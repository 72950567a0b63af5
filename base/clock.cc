#include "base/clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace verifyd {

const Clock& Clock::Real() {
  class RealClock : public Clock {};
  static const RealClock* const kClock = new RealClock();
  return *kClock;
}

absl::Time Clock::Now() const { return manual_ ? absl::FromUnixNanos(wall_nanos_.load()) : absl::Now(); }

MonoTime Clock::Mono() const {
  if (manual_) return MonoTime::FromNanos(mono_nanos_.load());
  return MonoTime::FromNanos(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

ManualClock::ManualClock(absl::Time start) {
  manual_ = true;
  wall_nanos_ = absl::ToUnixNanos(start);
  mono_nanos_ = absl::ToInt64Nanoseconds(absl::Hours(1));
}

void ManualClock::Advance(absl::Duration by) {
  wall_nanos_ += absl::ToInt64Nanoseconds(by);
  mono_nanos_ += absl::ToInt64Nanoseconds(by);
}

void ManualClock::AdvanceTo(MonoTime to) {
  const MonoTime now = Mono();
  if (to > now) Advance(to - now);
}

void ManualClock::SetWall(absl::Time now) { wall_nanos_ = absl::ToUnixNanos(now); }

}  // namespace verifyd
