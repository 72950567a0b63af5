#include "base/timer.h"

#include <utility>

namespace verifyd {

void Timers::Add(Timer& timer) {
  timer.sequence_ = next_sequence_++;
  set_.insert(timer);
  RearmIfChanged();
}

// The system timer stays armed: firing early once is cheaper than re-arming it at every cancelled deadline.
void Timers::Remove(Timer& timer) { set_.erase(set_.iterator_to(timer)); }

void Timers::RunDue() {
  const MonoTime now = clock_.Mono();
  const uint64_t last_sequence = next_sequence_;
  armed_.reset();
  auto it = set_.begin();
  while (it != set_.end() && it->due_ <= now) {
    if (it->sequence_ >= last_sequence) {
      ++it;
      continue;
    }
    Timer& timer = *it;
    set_.erase(it);
    // The callback is moved out, as it may destroy its timer. It is destroyed before the next timer is looked at, as it
    // may own that one.
    std::exchange(timer.callback_, nullptr)();
    it = set_.begin();
  }
  RearmIfChanged();
}

std::optional<MonoTime> Timers::NextDue() const {
  if (set_.empty()) return std::nullopt;
  return set_.begin()->due_;
}

void Timers::RearmIfChanged() {
  const std::optional<MonoTime> next = NextDue();
  if (!next.has_value() || *next == MonoTime::InfiniteFuture()) return;
  if (armed_.has_value() && *armed_ <= *next) return;
  armed_ = next;
  rearm_(*next);
}

void Timer::SetAt(MonoTime due, absl::AnyInvocable<void()> callback) {
  Cancel();
  due_ = due;
  callback_ = std::move(callback);
  timers_.Add(*this);
}

void Timer::SetAfter(absl::Duration after, absl::AnyInvocable<void()> callback) {
  SetAt(timers_.clock().Mono() + after, std::move(callback));
}

void Timer::Cancel() {
  if (!set()) return;
  timers_.Remove(*this);
  callback_ = nullptr;
}

}  // namespace verifyd
