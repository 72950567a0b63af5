#include "probe/breaker.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

namespace verifyd {
namespace {

constexpr BreakerPause kPause = {absl::Minutes(1), absl::Minutes(5)};

class BreakerTest : public testing::Test {
 protected:
  bool Fail() { return breaker_.NoteFailure(Reason::kConnectRefused, kPause, now_, random_); }
  bool Trip() { return breaker_.Trip(Reason::kBlockedPolicy, kPause, now_, random_); }
  void Open() {
    for (uint32_t i = 0; i < Breaker::kFailures; ++i) Fail();
  }
  // Fails the trial that is due when the pause is over, and says how long the next pause is.
  absl::Duration PauseAfterFailedTrial() {
    now_ = breaker_.state().open_until;
    EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kTrial);
    Fail();
    breaker_.EndTrial();
    return breaker_.state().open_until - now_;
  }

  absl::Time now_ = absl::FromUnixSeconds(1700000000);
  std::mt19937_64 random_{7};
  BreakerState state_;
  Breaker breaker_{state_};
};

TEST_F(BreakerTest, AFewFailuresDoNotOpenIt) {
  EXPECT_TRUE(Fail());
  EXPECT_FALSE(Fail());
  EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kClosed);
}

TEST_F(BreakerTest, ASuccessInBetweenStartsTheCountAnew) {
  Fail();
  Fail();
  EXPECT_TRUE(breaker_.NoteSuccess(now_));
  Fail();
  Fail();
  EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kClosed);
}

TEST_F(BreakerTest, ThirdFailureOpensItForAboutTheFirstPause) {
  Open();
  EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kOpen);
  const absl::Duration pause = breaker_.state().open_until - now_;
  EXPECT_GE(pause, kPause.first * 0.8);
  EXPECT_LE(pause, kPause.first * 1.2);
  EXPECT_EQ(breaker_.state().open_reason, Reason::kConnectRefused);
}

TEST_F(BreakerTest, PlainWordsOpenItAtOnce) {
  EXPECT_TRUE(Trip());
  EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kOpen);
}

TEST_F(BreakerTest, OneProbeTriesAgainWhenThePauseIsOver) {
  Open();
  now_ = breaker_.state().open_until;
  EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kTrial);
  EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kOpen);
  breaker_.NoteSuccess(now_);
  breaker_.EndTrial();
  EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kClosed);
}

TEST_F(BreakerTest, ATrialThatCameToNothingIsFollowedByAnother) {
  Open();
  now_ = breaker_.state().open_until;
  EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kTrial);
  breaker_.EndTrial();
  EXPECT_EQ(breaker_.Pass(now_), Breaker::Gate::kTrial);
}

TEST_F(BreakerTest, EachFailedTrialMakesThePauseLongerUpToTheLongest) {
  Open();
  const absl::Duration second = PauseAfterFailedTrial();
  EXPECT_GE(second, kPause.first * 2 * 0.8);
  EXPECT_LE(second, kPause.first * 2 * 1.2);
  for (int i = 0; i < 10; ++i) PauseAfterFailedTrial();
  EXPECT_LE(PauseAfterFailedTrial(), kPause.longest * 1.2);
}

TEST_F(BreakerTest, FailuresOfThoseThatWereOnTheirWayDoNotMakeThePauseLonger) {
  Open();
  const absl::Time until = breaker_.state().open_until;
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Fail());
  EXPECT_EQ(breaker_.state().open_until, until);
}

TEST_F(BreakerTest, ARestartKeepsItOpen) {
  Open();
  BreakerState stored = state_;
  Breaker restored(stored);
  EXPECT_EQ(restored.Pass(now_), Breaker::Gate::kOpen);
  EXPECT_EQ(restored.Pass(breaker_.state().open_until), Breaker::Gate::kTrial);
}

TEST_F(BreakerTest, AClockThatIsSetBackDoesNotKeepItOpenForYears) {
  Open();
  EXPECT_EQ(breaker_.Pass(now_ - absl::Hours(24 * 365)), Breaker::Gate::kTrial);
}

TEST_F(BreakerTest, IsForgottenOnlyWhenNothingSpeaksAgainstIt) {
  EXPECT_TRUE(breaker_.blank(now_));
  Open();
  EXPECT_FALSE(breaker_.blank(now_));
  EXPECT_FALSE(breaker_.blank(breaker_.state().open_until + absl::Hours(1)));
  EXPECT_TRUE(breaker_.blank(breaker_.state().open_until + Breaker::kMemory));
}

}  // namespace
}  // namespace verifyd
