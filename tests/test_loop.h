// A loop with a clock that stands still until the test moves it. Everything that happens on it is deterministic: run to
// idle, jump to the next due time, and so on.
#ifndef VERIFYD_TESTS_TEST_LOOP_H_
#define VERIFYD_TESTS_TEST_LOOP_H_

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/loop.h"

namespace verifyd {

class TestLoop {
 public:
  ManualClock& clock() { return clock_; }
  Loop& loop() { return loop_; }

  void RunUntilIdle() {
    while (loop_.Poll() > 0) {
    }
  }

  // Lets time pass; everything due on the way happens at its own time.
  void Advance(absl::Duration by) {
    const MonoTime end = clock_.Mono() + by;
    RunUntilIdle();
    for (;;) {
      const std::optional<MonoTime> due = loop_.timers().NextDue();
      if (!due.has_value() || *due > end) break;
      clock_.AdvanceTo(*due);
      loop_.timers().RunDue();
      RunUntilIdle();
    }
    clock_.AdvanceTo(end);
  }

  // Runs `task` to its end, letting at most `limit` of (manual) time pass.
  template <typename T>
  T Run(boost::asio::awaitable<T> task, absl::Duration limit = absl::Hours(24)) {
    auto result = std::make_shared<std::optional<T>>();
    loop_.Spawn(Keep(std::move(task), result));
    RunFor(limit, [&] { return result->has_value(); });
    if (!result->has_value()) {
      ADD_FAILURE() << "the task did not end within " << absl::FormatDuration(limit);
      std::abort();
    }
    return std::move(**result);
  }

 private:
  template <typename T>
  static boost::asio::awaitable<void> Keep(boost::asio::awaitable<T> task, std::shared_ptr<std::optional<T>> result) {
    result->emplace(co_await std::move(task));
  }

  template <typename Done>
  void RunFor(absl::Duration limit, Done done) {
    const MonoTime end = clock_.Mono() + limit;
    RunUntilIdle();
    while (!done()) {
      const std::optional<MonoTime> due = loop_.timers().NextDue();
      if (!due.has_value() || *due > end) return;
      clock_.AdvanceTo(*due);
      loop_.timers().RunDue();
      RunUntilIdle();
    }
  }

  ManualClock clock_;
  Loop loop_{clock_};
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_TEST_LOOP_H_
