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
  Pace pace(test.loop(), {.connections = 2});
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
  Pace pace(test.loop(), {.connections = 1});
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
  Pace pace(test.loop(), {.connections = 1});
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
  Pace pace(test.loop(), {.connections = 1});
  std::vector<int> got;
  for (int id = 1; id <= 4; ++id) test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), id, got));
  test.RunUntilIdle();
  pace.SetLimits({.connections = 3});
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
  pace.SetLimits({.connections = 1});
  pace.Release();
  pace.Release();
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
  pace.Release();
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3, 4}));
}

TEST(PaceTest, NewConnectionsComeNoFasterThanAllowed) {
  TestLoop test;
  Pace pace(test.loop(), {.connections = 10, .connections_per_second = 2});
  std::vector<int> got;
  for (int id = 1; id <= 4; ++id) test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), id, got));
  test.RunUntilIdle();
  EXPECT_EQ(got.size(), 2U);
  test.Advance(absl::Milliseconds(510));
  EXPECT_EQ(got.size(), 3U);
  test.Advance(absl::Seconds(1));
  EXPECT_EQ(got.size(), 4U);
}

TEST(PaceTest, WhoHasNoTimeToWaitForAConnectionGivesItsTurnBack) {
  TestLoop test;
  Pace pace(test.loop(), {.connections = 10, .connections_per_second = 0.1});
  std::vector<int> got;
  test.loop().Spawn(Take(pace, MonoTime::InfiniteFuture(), 1, got));
  test.loop().Spawn(Take(pace, test.clock().Mono() + absl::Seconds(1), 2, got));
  test.RunUntilIdle();
  EXPECT_EQ(got, (std::vector<int>{1, -2}));
  EXPECT_EQ(pace.in_use(), 1);
}

TEST(PaceTest, WhereTheServerSaysThatThereAreTooManyThoseThatAreOpenAreEnoughForAWhile) {
  TestLoop test;
  Pace pace(test.loop(), {.connections = 20});
  EXPECT_FALSE(pace.NoteTooManyConnections(0));  // we have none open: nothing can be learned from it
  EXPECT_TRUE(pace.NoteTooManyConnections(5));
  for (int i = 0; i < 60; ++i) {
    test.Advance(absl::Seconds(5));
    pace.NoteAnswered(10, absl::Milliseconds(10));
  }
  EXPECT_EQ(pace.limit(), 5);
  for (int i = 0; i < 70; ++i) {
    test.Advance(absl::Seconds(5));
    pace.NoteAnswered(10, absl::Milliseconds(10));
  }
  EXPECT_GT(pace.limit(), 5);
}

TEST(PaceTest, AServerThatAnswersSlowerAndSlowerGetsFewerConnectionsAndMoreOfThemWhenItHasRecovered) {
  TestLoop test;
  Pace pace(test.loop(), {.connections = 16});
  const auto answer = [&](absl::Duration latency) {
    for (int i = 0; i < 20; ++i) {
      test.Advance(absl::Seconds(1));
      pace.NoteAnswered(1, latency);
    }
  };
  answer(absl::Milliseconds(50));
  EXPECT_EQ(pace.limit(), 16);
  answer(absl::Seconds(2));
  EXPECT_LE(pace.limit(), 4);
  const int slow = pace.limit();
  answer(absl::Milliseconds(50));
  EXPECT_GT(pace.limit(), slow);
}

TEST(PaceTest, ALowerLimitIsNotForgottenWhenTheSameSettingsComeAgain) {
  TestLoop test;
  Pace pace(test.loop(), {.connections = 20});
  pace.NoteTooManyConnections(3);
  pace.SetLimits({.connections = 20});
  EXPECT_EQ(pace.limit(), 3);
  pace.Reset();
  EXPECT_EQ(pace.limit(), 20);
}

}  // namespace
}  // namespace verifyd
