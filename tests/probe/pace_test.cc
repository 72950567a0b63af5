#include "probe/pace.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/test_loop.h"

namespace verifyd {
namespace {

boost::asio::awaitable<void> Take(Pace& pace, MonoTime deadline, int id, std::vector<int>& got) {
  got.push_back(co_await pace.Acquire(deadline) ? id : -id);
}

TEST(PaceTest, GrantsAtOnceUpToTheLimitAndThenInOrder) {
  TestLoop test;
  Pace pace(test.loop(), 2);
  std::vector<int> got;
  for (int id = 1; id <= 4; ++id) test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), id, got));
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2}));
  pace.Release();
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
  pace.Release();
  pace.Release();
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(pace.in_use(), 1);
}

TEST(PaceTest, WhoCanNotWaitAnyLongerLosesNobodysTurn) {
  TestLoop test;
  Pace pace(test.loop(), 1);
  std::vector<int> got;
  test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), 1, got));
  test.loop().Spawn(Take(pace, test.clock().Mono() + absl::Seconds(5), 2, got));
  test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), 3, got));
  test.Advance(absl::Seconds(6));
  EXPECT_EQ(got, (std::vector<int>{1, -2}));
  pace.Release();
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, -2, 3}));
}

TEST(PaceTest, ATurnHandedOverIsNotTakenByALaterComer) {
  TestLoop test;
  Pace pace(test.loop(), 1);
  std::vector<int> got;
  test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), 1, got));
  test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), 2, got));
  test.RunUntilIdle();
  pace.Release();
  test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), 3, got));
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2}));
  EXPECT_EQ(pace.in_use(), 1);
  pace.Release();
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
}

TEST(PaceTest, AHigherLimitLetsWaitersInAndALowerOneTakesNobodysTurn) {
  TestLoop test;
  Pace pace(test.loop(), 1);
  std::vector<int> got;
  for (int id = 1; id <= 4; ++id) test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), id, got));
  test.RunUntilIdle();
  pace.SetLimit(3);
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
  pace.SetLimit(1);
  pace.Release();
  pace.Release();
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
  pace.Release();
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3, 4}));
}

}  // namespace
}  // namespace verifyd
