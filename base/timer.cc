#include "base/timer.h"

#include <utility>
#include <vector>

namespace verifyd {

Timers::Id Timers::Add(MonoTime due, absl::AnyInvocable<void()> callback) {
  const Id id(due, next_sequence_++);
  timers_.emplace(id, std::move(callback));
  RearmIfChanged();
  return id;
}

bool Timers::Cancel(const Id& id) {
  // The system timer stays armed: firing early once is cheaper than re-arming it at every cancelled deadline.
  return timers_.erase(id) > 0;
}

void Timers::RunDue() {
  const MonoTime now = clock_.Mono();
  const uint64_t last_sequence = next_sequence_;
  armed_.reset();
  auto it = timers_.begin();
  while (it != timers_.end() && it->first.first <= now) {
    if (it->first.second >= last_sequence) {
      ++it;
      continue;
    }
    absl::AnyInvocable<void()> callback = std::move(it->second);
    timers_.erase(it);
    callback();
    it = timers_.begin();
  }
  RearmIfChanged();
}

std::optional<MonoTime> Timers::NextDue() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first.first;
}

void Timers::RearmIfChanged() {
  const std::optional<MonoTime> next = NextDue();
  if (!next.has_value() || *next == MonoTime::InfiniteFuture()) return;
  if (armed_.has_value() && *armed_ <= *next) return;
  armed_ = next;
  rearm_(next);
}

void Timer::SetAt(MonoTime due, absl::AnyInvocable<void()> callback) {
  Cancel();
  id_ = timers_.Add(due, [this, callback = std::move(callback)]() mutable {
    id_.reset();
    // Moved to the stack first: the callback may destroy this timer, and with it itself.
    absl::AnyInvocable<void()> run = std::move(callback);
    run();
  });
}

void Timer::SetAfter(absl::Duration after, absl::AnyInvocable<void()> callback) {
  SetAt(timers_.clock().Mono() + after, std::move(callback));
}

void Timer::Cancel() {
  if (id_.has_value()) timers_.Cancel(*id_);
  id_.reset();
}

}  // namespace verifyd
