// Timers: the only ones in verifyd. A Timers object belongs to one loop and calls back on its thread when the monotonic
// clock has reached a timer's due time. With a real clock one system timer drives them all; with a manual clock the
// test drives them (TestLoop::Advance).
//
// Thread: the loop's thread only. Cost: O(log n) to set and to cancel.
#ifndef VERIFYD_BASE_TIMER_H_
#define VERIFYD_BASE_TIMER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "base/clock.h"
#include "boost/intrusive/set.hpp"

namespace verifyd {

class Timers;

// One timer that can be set, moved and cancelled; it cancels itself when it goes out of scope. The timer itself is the
// node in the order of set timers: thousands are set and cancelled every second, most never fire.
class Timer : public boost::intrusive::set_base_hook<boost::intrusive::optimize_size<true>> {
 public:
  explicit Timer(Timers& timers) : timers_(timers) {}
  ~Timer() { Cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces what was set before. A due time in the past fires on the next turn; InfiniteFuture never fires. The
  // callback may set or destroy this timer; it must not own it.
  void SetAt(MonoTime due, absl::AnyInvocable<void()> callback);
  void SetAfter(absl::Duration after, absl::AnyInvocable<void()> callback);
  void Cancel();
  bool set() const { return is_linked(); }

 private:
  friend class Timers;

  Timers& timers_;
  // Valid while the timer is set.
  MonoTime due_;
  uint64_t sequence_ = 0;  // how many were set before: RunDue tells by it which were set meanwhile
  absl::AnyInvocable<void()> callback_;
};

class Timers {
 public:
  // `rearm` is called with the earliest due time whenever that became earlier, and after RunDue.
  using Rearm = absl::AnyInvocable<void(MonoTime)>;
  Timers(const Clock& clock, Rearm rearm) : clock_(clock), rearm_(std::move(rearm)) {}
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // Fires everything due by the clock's present time, earliest first. Callbacks may set and cancel timers. A timer that
  // is set meanwhile and due at once waits for the next call, so that a timer that sets itself again can not hold the
  // loop.
  void RunDue();
  std::optional<MonoTime> NextDue() const;
  size_t size() const { return set_.size(); }
  const Clock& clock() const { return clock_; }

 private:
  friend class Timer;
  struct ByDue {
    using type = MonoTime;
    const MonoTime& operator()(const Timer& timer) const { return timer.due_; }
  };

  void Add(Timer& timer);
  void Remove(Timer& timer);
  void RearmIfChanged();

  const Clock& clock_;
  Rearm rearm_;
  uint64_t next_sequence_ = 0;
  std::optional<MonoTime> armed_;
  // Timers due at the same time stand in the order in which they were set.
  boost::intrusive::multiset<Timer, boost::intrusive::key_of_value<ByDue>> set_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_TIMER_H_
