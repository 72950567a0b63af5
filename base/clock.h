// The time, as everything in verifyd sees it. There are two: the wall clock is written into records and logs and may
// jump; the monotonic one serves deadlines and timers and never jumps. Both come from one Clock that is passed in, so
// that a test can set them.
//
// Thread: any.
#ifndef VERIFYD_BASE_CLOCK_H_
#define VERIFYD_BASE_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"

namespace verifyd {

// A point on the monotonic clock. Only differences mean anything; it is never stored on disk.
class MonoTime {
 public:
  constexpr MonoTime() = default;
  static constexpr MonoTime FromNanos(int64_t nanos) { return MonoTime(nanos); }
  // Later than every deadline; stands for "no deadline".
  static constexpr MonoTime InfiniteFuture() { return MonoTime(INT64_MAX); }
  constexpr int64_t nanos() const { return nanos_; }

  friend constexpr auto operator<=>(MonoTime, MonoTime) = default;
  friend MonoTime operator+(MonoTime t, absl::Duration d) {
    if (t == InfiniteFuture() || d == absl::InfiniteDuration()) return InfiniteFuture();
    return MonoTime(t.nanos_ + absl::ToInt64Nanoseconds(d));
  }
  friend absl::Duration operator-(MonoTime a, MonoTime b) {
    if (a == InfiniteFuture()) return absl::InfiniteDuration();
    return absl::Nanoseconds(a.nanos_ - b.nanos_);
  }

 private:
  explicit constexpr MonoTime(int64_t nanos) : nanos_(nanos) {}
  int64_t nanos_ = 0;
};

class Clock {
 public:
  // Returns the machine's clocks. They are never destroyed.
  static const Clock& Real();

  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  absl::Time Now() const;
  MonoTime Mono() const;
  bool manual() const { return manual_; }

 protected:
  Clock() = default;
  bool manual_ = false;
  std::atomic<int64_t> wall_nanos_{0};
  std::atomic<int64_t> mono_nanos_{0};
};

// A clock that stands still until it is told to move. For tests: move it through TestLoop::Advance, which also runs
// everything that was due in between.
class ManualClock : public Clock {
 public:
  explicit ManualClock(absl::Time start = absl::FromUnixSeconds(1700000000));

  // Moves both clocks forward.
  void Advance(absl::Duration by);
  // Moves monotonic time to `to` (never back) and wall time by the same distance.
  void AdvanceTo(MonoTime to);
  // Sets only the wall clock, as an administrator does. It may go back.
  void SetWall(absl::Time now);
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_CLOCK_H_
