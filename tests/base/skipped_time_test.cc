#include "base/skipped_time.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "base/clock.h"

namespace verifyd {
namespace {

class SkippedTimeTest : public testing::Test {
 protected:
  // Reads the clock `passed` after the last reading; meanwhile the clock has jumped by `jump`.
  absl::Time After(absl::Duration passed, absl::Duration jump = absl::ZeroDuration()) {
    clock_.Advance(passed);
    clock_.SetWall(clock_.Now() + jump);
    skipped_.Observe(clock_);
    return clock_.Now();
  }

  ManualClock clock_;
  SkippedTime skipped_;
};

TEST_F(SkippedTimeTest, WithoutAJumpTimeIsWhatTheWallClockSays) {
  const absl::Time first = After(absl::Seconds(5));
  EXPECT_EQ(skipped_.Between(first, After(absl::Minutes(70))), absl::Minutes(70));
  EXPECT_EQ(skipped_.Between(absl::InfinitePast(), first), absl::InfiniteDuration());
}

TEST_F(SkippedTimeTest, WhatTheWallClockJumpedOverDidNotPass) {
  const absl::Time first = After(absl::Seconds(5));
  const absl::Time second = After(absl::Seconds(2), absl::Minutes(62));
  const absl::Time third = After(absl::Minutes(3));
  const absl::Time fourth = After(absl::Minutes(1), absl::Hours(20));
  EXPECT_EQ(skipped_.Between(first, second), absl::Seconds(2));
  EXPECT_EQ(skipped_.Between(first, third), absl::Seconds(2) + absl::Minutes(3));
  EXPECT_EQ(skipped_.Between(second, third), absl::Minutes(3));
  EXPECT_EQ(skipped_.Between(first, fourth), absl::Seconds(2) + absl::Minutes(4));
  EXPECT_EQ(skipped_.Between(first - absl::Hours(5), fourth), absl::Hours(5) + absl::Seconds(2) + absl::Minutes(4));
}

TEST_F(SkippedTimeTest, AClockThatIsSetForwardAndBackIsRightFromThenOn) {
  const absl::Time first = After(absl::Seconds(5));
  After(absl::Seconds(1), absl::Hours(2));
  const absl::Time back = After(absl::Seconds(1), -absl::Hours(2));
  EXPECT_LE(skipped_.Between(first, back), absl::Seconds(2));
  EXPECT_EQ(skipped_.Between(back, After(absl::Hours(3))), absl::Hours(3));
}

TEST_F(SkippedTimeTest, AClockThatIsPutRightByAndByDoesNotOutrunTheOther) {
  const absl::Time first = After(absl::Seconds(5));
  absl::Time last = first;
  for (int i = 0; i < 100; ++i) last = After(absl::Minutes(1), absl::Milliseconds(900));
  EXPECT_LT(skipped_.Between(first, last), absl::Minutes(100) + absl::Seconds(2));
}

}  // namespace
}  // namespace verifyd
