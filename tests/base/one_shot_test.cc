#include "base/one_shot.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/gather.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

class OneShotTest : public testing::Test {
 protected:
  // Returns the value that came within the patience, or "late".
  boost::asio::awaitable<std::string> Await(OneShot<std::string> one, absl::Duration patience) {
    const bool came = co_await one.Wait(test_.clock().Mono() + patience);
    co_return came ? *one : "late";
  }
  void SetAfter(const OneShot<std::string>& one, absl::Duration after, std::string value) {
    timer_.SetAfter(after, [one, value = std::move(value)] { one.Set(value); });
  }

  TestLoop test_;
  Timer timer_{test_.loop().timers()};
  OneShot<std::string> one_{test_.loop()};
};

TEST_F(OneShotTest, EveryoneWhoWaitsGetsTheValue) {
  SetAfter(one_, absl::Seconds(1), "came");
  std::vector<boost::asio::awaitable<std::string>> waiting;
  for (int i = 0; i < 3; ++i) waiting.push_back(Await(one_, absl::Seconds(5)));
  const std::vector<std::string> got = test_.Run(Gather(test_.loop(), std::move(waiting)));
  EXPECT_EQ(got, (std::vector<std::string>{"came", "came", "came"}));
}

TEST_F(OneShotTest, WhoComesLaterHasItAtOnce) {
  EXPECT_FALSE(one_.set());
  one_.Set("came");
  EXPECT_TRUE(one_.set());
  const MonoTime before = test_.clock().Mono();
  EXPECT_EQ(test_.Run(Await(one_, absl::ZeroDuration())), "came");
  EXPECT_EQ(test_.clock().Mono(), before);
}

TEST_F(OneShotTest, WhoWaitsTooShortGetsNothingAndMayWaitAgain) {
  SetAfter(one_, absl::Seconds(2), "came");
  EXPECT_EQ(test_.Run(Await(one_, absl::Seconds(1))), "late");
  EXPECT_EQ(one_.waiting(), 0U);
  EXPECT_EQ(test_.Run(Await(one_, absl::Seconds(1))), "came");
}

TEST_F(OneShotTest, TheFirstValueCounts) {
  one_.Set("first");
  one_.Set("second");
  EXPECT_EQ(*one_, "first");
}

TEST_F(OneShotTest, ItIsSetFromACopyThatOutlivesWhoWaited) {
  std::optional<OneShot<std::string>> setter;
  {
    const OneShot<std::string> one(test_.loop());
    setter = one;
    EXPECT_EQ(test_.Run(Await(one, absl::Seconds(1))), "late");
  }
  setter->Set("to nobody");
  setter.reset();
  test_.RunUntilIdle();
}

TEST_F(OneShotTest, WhatIsNeverCopiedCanBeTakenOut) {
  const OneShot<std::unique_ptr<int>> one(test_.loop());
  one.Set(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(*one);
  EXPECT_EQ(*taken, 7);
}

TEST(OneShotLoopTest, WhoStillWaitsWhenTheLoopEndsIsLetGo) {
  const auto held = std::make_shared<int>(1);
  {
    TestLoop test;
    const OneShot<int> never(test.loop());
    test.loop().Spawn([](OneShot<int> never, std::shared_ptr<int> /*held*/) -> boost::asio::awaitable<void> {
      co_await never.Wait();
    }(never, held));
    test.RunUntilIdle();
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace verifyd
