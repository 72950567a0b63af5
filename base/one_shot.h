// A value that is set once, and that coroutines wait for. It is remembered: a coroutine that waits later gets it at
// once. For a wake-up call that is repeated, use Signal (base/signal.h).
//
// Copies share the value, so no side needs to outlive the other: the coroutine may have stopped waiting when the value
// is set, and the code that would set it may be gone.
//
// Thread: the loop's thread only, but copies may be made and destroyed on any thread.
#ifndef VERIFYD_BASE_ONE_SHOT_H_
#define VERIFYD_BASE_ONE_SHOT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/loop.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"

namespace verifyd {

template <typename T>
class OneShot {
 public:
  explicit OneShot(Loop& loop) : state_(std::make_shared<State>(loop)) {}

  // Only the first value counts. The coroutines that wait resume on a later turn of the loop.
  void Set(T value) const {
    if (state_->value.has_value()) return;
    state_->value.emplace(std::move(value));
    state_->came.NotifyAll();
  }
  bool set() const { return state_->value.has_value(); }
  // Only when set.
  T& operator*() const { return *state_->value; }
  T* operator->() const { return &*state_->value; }

  // True when the value is set, false when `deadline` came first.
  boost::asio::awaitable<bool> Wait(MonoTime deadline = MonoTime::InfiniteFuture()) const {
    return Wait(state_, deadline);
  }
  // How many coroutines wait.
  size_t waiting() const { return state_->came.waiting(); }

 private:
  struct State {
    explicit State(Loop& loop) : came(loop) {}
    std::optional<T> value;
    Signal came;
  };

  static boost::asio::awaitable<bool> Wait(std::shared_ptr<State> state, MonoTime deadline) {
    if (!state->value.has_value()) co_await state->came.Wait(deadline);
    co_return state->value.has_value();
  }

  std::shared_ptr<State> state_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_ONE_SHOT_H_
