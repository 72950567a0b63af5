// Timers: the only ones in verifyd. A Timers object belongs to one loop and calls back on its thread when the monotonic
// clock has reached a timer's due time. With a real clock one system timer drives them all; with a manual clock the
// test does (TestLoop::Advance).
//
// Thread: the loop's thread only. Cost: O(log n) to set and to cancel.
#ifndef VERIFYD_BASE_TIMER_H_
#define VERIFYD_BASE_TIMER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "base/clock.h"

namespace verifyd {

class Timers {
 public:
  // `rearm` is called whenever the earliest due time changed, with that time (or nothing when no timer is left).
  using Rearm = absl::AnyInvocable<void(std::optional<MonoTime>)>;
  Timers(const Clock& clock, Rearm rearm) : clock_(clock), rearm_(std::move(rearm)) {}
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  using Id = std::pair<MonoTime, uint64_t>;
  // A due time in the past fires on the next turn. InfiniteFuture never fires.
  Id Add(MonoTime due, absl::AnyInvocable<void()> callback);
  // False if it has fired already or was never there.
  bool Cancel(const Id& id);

  // Fires everything due by the clock's present time, earliest first. Callbacks may add and cancel timers; those due at
  // once wait for the next call, so that a timer that sets itself again can not hold the loop.
  void RunDue();
  std::optional<MonoTime> NextDue() const;
  size_t size() const { return timers_.size(); }
  const Clock& clock() const { return clock_; }

 private:
  void RearmIfChanged();

  const Clock& clock_;
  Rearm rearm_;
  uint64_t next_sequence_ = 0;
  std::optional<MonoTime> armed_;
  absl::btree_map<Id, absl::AnyInvocable<void()>> timers_;
};

// One timer that can be set, moved and cancelled; cancels itself when it goes out of scope.
class Timer {
 public:
  explicit Timer(Timers& timers) : timers_(timers) {}
  ~Timer() { Cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces what was set before.
  void SetAt(MonoTime due, absl::AnyInvocable<void()> callback);
  void SetAfter(absl::Duration after, absl::AnyInvocable<void()> callback);
  void Cancel();
  bool set() const { return id_.has_value(); }

 private:
  Timers& timers_;
  std::optional<Timers::Id> id_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_TIMER_H_
