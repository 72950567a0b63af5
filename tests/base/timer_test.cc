#include "base/timer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/signal.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

TEST(TimerTest, JumpsThirtyOneDaysAndFiresEverythingOnTheWayInOrder) {
  TestLoop test;
  std::vector<int> fired;
  Timer last(test.loop().timers());
  Timer first(test.loop().timers());
  Timer never(test.loop().timers());
  last.SetAfter(absl::Hours(24 * 31), [&] { fired.push_back(31); });
  first.SetAfter(absl::Hours(24 * 7), [&] { fired.push_back(7); });
  never.SetAfter(absl::Hours(24 * 31) + absl::Seconds(1), [&] { fired.push_back(32); });
  test.Advance(absl::Hours(24 * 31));
  EXPECT_EQ(fired, (std::vector<int>{7, 31}));
  EXPECT_TRUE(never.set());
  EXPECT_FALSE(last.set());
}

TEST(TimerTest, ACancelledTimerDoesNotFire) {
  TestLoop test;
  bool fired = false;
  {
    Timer timer(test.loop().timers());
    timer.SetAfter(absl::Seconds(1), [&] { fired = true; });
  }
  test.Advance(absl::Seconds(2));
  EXPECT_FALSE(fired);
  EXPECT_EQ(test.loop().timers().size(), 0U);
}

TEST(TimerTest, SettingAgainReplacesTheFirstDueTime) {
  TestLoop test;
  int fired = 0;
  Timer timer(test.loop().timers());
  timer.SetAfter(absl::Seconds(1), [&] { fired = 1; });
  timer.SetAfter(absl::Seconds(5), [&] { fired = 5; });
  test.Advance(absl::Seconds(2));
  EXPECT_EQ(fired, 0);
  test.Advance(absl::Seconds(3));
  EXPECT_EQ(fired, 5);
}

TEST(TimerTest, ATimerThatSetsItselfAgainDoesNotHoldTheLoop) {
  TestLoop test;
  int fired = 0;
  Timer timer(test.loop().timers());
  std::function<void()> again = [&] {
    ++fired;
    timer.SetAfter(absl::ZeroDuration(), [&] { again(); });
  };
  timer.SetAfter(absl::ZeroDuration(), [&] { again(); });
  test.loop().timers().RunDue();
  EXPECT_EQ(fired, 1);
}

TEST(TimerTest, ACallbackMayDestroyItsTimer) {
  TestLoop test;
  auto timer = std::make_unique<Timer>(test.loop().timers());
  bool fired = false;
  timer->SetAfter(absl::Seconds(1), [&] {
    timer.reset();
    fired = true;
  });
  test.Advance(absl::Seconds(1));
  EXPECT_TRUE(fired);
}

TEST(TimerTest, ThoseDueAtTheSameTimeFireInTheOrderInWhichTheyWereSet) {
  TestLoop test;
  std::vector<int> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 100; ++i) {
    timers.push_back(std::make_unique<Timer>(test.loop().timers()));
    timers.back()->SetAfter(absl::Seconds(1), [&fired, i] { fired.push_back(i); });
  }
  timers[7]->Cancel();
  timers[7]->SetAfter(absl::Seconds(1), [&fired] { fired.push_back(100); });
  test.Advance(absl::Seconds(1));
  ASSERT_EQ(fired.size(), 100U);
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
  EXPECT_EQ(fired.back(), 100);
}

TEST(TimerTest, ACallbackMayCancelTheNextOneThatIsDue) {
  TestLoop test;
  bool fired = false;
  Timer first(test.loop().timers());
  Timer second(test.loop().timers());
  first.SetAfter(absl::Seconds(1), [&] { second.Cancel(); });
  second.SetAfter(absl::Seconds(1), [&] { fired = true; });
  test.Advance(absl::Seconds(1));
  EXPECT_FALSE(fired);
}

TEST(TimerTest, WithItsCallbackATimerMayLetGoOfTheNextOneThatIsDue) {
  TestLoop test;
  bool fired = false;
  Timer first(test.loop().timers());
  auto second = std::make_unique<Timer>(test.loop().timers());
  second->SetAfter(absl::Seconds(2), [&] { fired = true; });
  first.SetAfter(absl::Seconds(1), [owned = std::move(second)] {});
  test.clock().AdvanceTo(test.clock().Mono() + absl::Seconds(3));
  test.loop().timers().RunDue();
  EXPECT_FALSE(fired);
  EXPECT_EQ(test.loop().timers().size(), 0U);
}

TEST(TimerTest, ACallbackMaySetItsTimerToALaterTime) {
  TestLoop test;
  int fired = 0;
  Timer timer(test.loop().timers());
  timer.SetAfter(absl::Seconds(1), [&] {
    ++fired;
    timer.SetAfter(absl::Seconds(5), [&] { fired += 10; });
  });
  test.Advance(absl::Seconds(2));
  EXPECT_EQ(fired, 1);
  EXPECT_TRUE(timer.set());
  test.Advance(absl::Seconds(4));
  EXPECT_EQ(fired, 11);
}

TEST(TimerTest, ATimerMayOutliveItsLoop) {
  auto test = std::make_unique<TestLoop>();
  Timer timer(test->loop().timers());
  timer.SetAfter(absl::Seconds(1), [] {});
  test.reset();
  EXPECT_FALSE(timer.set());
}

TEST(SignalTest, WakesAllOnceAndReportsTheDeadlineOtherwise) {
  TestLoop test;
  Signal signal(test.loop());
  std::vector<bool> results;
  const auto wait = [&](absl::Duration d) -> boost::asio::awaitable<void> {
    results.push_back(co_await signal.Wait(test.clock().Mono() + d));
  };
  test.loop().Spawn(wait(absl::Seconds(1)));
  test.loop().Spawn(wait(absl::Seconds(3)));
  test.Advance(absl::Seconds(2));
  EXPECT_EQ(results, (std::vector<bool>{false}));
  EXPECT_EQ(signal.waiting(), 1U);
  signal.NotifyAll();
  test.RunUntilIdle();
  EXPECT_EQ(results, (std::vector<bool>{false, true}));
}

TEST(SignalTest, WakesTheLongestWaitingFirst) {
  TestLoop test;
  Signal signal(test.loop());
  std::vector<int> order;
  const auto wait = [&](int n) -> boost::asio::awaitable<void> {
    co_await signal.Wait();
    order.push_back(n);
  };
  test.loop().Spawn(wait(1));
  test.loop().Spawn(wait(2));
  test.RunUntilIdle();
  EXPECT_TRUE(signal.NotifyOne());
  test.RunUntilIdle();
  EXPECT_EQ(order, (std::vector<int>{1}));
  EXPECT_TRUE(signal.NotifyOne());
  EXPECT_FALSE(signal.NotifyOne());
  test.RunUntilIdle();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(SignalTest, ADestroyedSignalWakesItsWaiters) {
  TestLoop test;
  auto signal = std::make_unique<Signal>(test.loop());
  bool woken = false;
  const auto wait = [&]() -> boost::asio::awaitable<void> {
    co_await signal->Wait();
    woken = true;
  };
  test.loop().Spawn(wait());
  test.RunUntilIdle();
  signal.reset();
  test.RunUntilIdle();
  EXPECT_TRUE(woken);
}

TEST(LoopTest, LetsGoOfCoroutinesThatStillWaitWhenItEnds) {
  const auto alive = std::make_shared<bool>(true);
  std::weak_ptr<bool> seen = alive;
  {
    TestLoop test;
    const auto sleep = [](Loop& loop, std::shared_ptr<bool> held) -> boost::asio::awaitable<void> {
      co_await loop.Sleep(absl::Hours(1));
      *held = false;
    };
    test.loop().Spawn(sleep(test.loop(), alive));
    test.RunUntilIdle();
    EXPECT_EQ(alive.use_count(), 2);
  }
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_TRUE(*alive);
}

TEST(LoopTest, SleepsOnTheManualClock) {
  TestLoop test;
  const auto sleep = [&]() -> boost::asio::awaitable<bool> {
    co_await test.loop().Sleep(absl::Hours(1));
    co_return true;
  };
  const MonoTime before = test.clock().Mono();
  EXPECT_TRUE(test.Run(sleep()));
  EXPECT_EQ(test.clock().Mono() - before, absl::Hours(1));
}

}  // namespace
}  // namespace verifyd
