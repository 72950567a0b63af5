#include "probe/bearable_rate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/clock.h"

namespace verifyd {
namespace {

// A server that bears `rate` questions a second, with as many saved up.
class Server {
 public:
  explicit Server(double rate) : rate_(rate), saved_(rate) {}

  // Asks for `time` as fast as `bearable` says, at most 1000 a second.
  void Ask(BearableRate& bearable, absl::Duration time) {
    const MonoTime end = now_ + time;
    asked_ = complaints_ = 0;
    for (; now_ < end; now_ = now_ + absl::Milliseconds(1)) {
      saved_ = std::min(rate_, saved_ + rate_ / 1000);
      ours_ = std::min(1.0, ours_ + (bearable.rate() == 0 ? 1.0 : bearable.rate() / 1000));
      if (ours_ < 1) continue;
      ours_ -= 1;
      if (saved_ < 1) {
        ++complaints_;
        bearable.NoteComplaint(now_);
      } else {
        saved_ -= 1;
        ++asked_;
        bearable.NoteAnswered(1, now_);
      }
    }
  }
  int asked() const { return asked_; }
  int complaints() const { return complaints_; }
  MonoTime now() const { return now_; }

 private:
  const double rate_;
  double saved_;
  double ours_ = 0;
  int asked_ = 0;
  int complaints_ = 0;
  MonoTime now_ = MonoTime() + absl::Hours(1);
};

TEST(BearableRateTest, NobodyWhoDoesNotComplainIsHeldBack) {
  BearableRate bearable;
  Server server(1e9);
  server.Ask(bearable, absl::Seconds(30));
  EXPECT_EQ(bearable.rate(), 0);
  EXPECT_EQ(server.asked(), 30000);
}

TEST(BearableRateTest, AfterAMinuteAServerGetsNineTenthsOfWhatItBearsAndComplainsHardlyEver) {
  for (const double rate : {2.0, 20.0, 200.0}) {
    BearableRate bearable;
    Server server(rate);
    server.Ask(bearable, absl::Minutes(1));
    server.Ask(bearable, absl::Minutes(5));
    EXPECT_GE(server.asked(), 0.9 * rate * 300) << rate;
    EXPECT_LE(server.complaints(), std::max(3.0, 0.002 * rate * 300)) << rate << ": " << server.complaints();
  }
}

TEST(BearableRateTest, AFirstComplaintThatCameEarlyDoesNotHoldTheRateDown) {
  BearableRate bearable;
  Server server(40);
  bearable.NoteAnswered(17, server.now());
  EXPECT_TRUE(bearable.NoteComplaint(server.now()));
  server.Ask(bearable, absl::Minutes(1));
  server.Ask(bearable, absl::Minutes(5));
  EXPECT_GE(server.asked(), 0.9 * 40 * 300);
  EXPECT_LE(server.complaints(), 0.002 * 40 * 300) << server.complaints();
}

TEST(BearableRateTest, AComplaintOfOneWhoWasHardlyAskedIsNoRate) {
  BearableRate bearable;
  EXPECT_FALSE(bearable.NoteComplaint(MonoTime() + absl::Hours(1)));
  bearable.NoteAnswered(1, MonoTime() + absl::Hours(1));
  EXPECT_FALSE(bearable.NoteComplaint(MonoTime() + absl::Hours(2)));
  EXPECT_EQ(bearable.rate(), 0);
}

TEST(BearableRateTest, ComplaintsThatComeTogetherAreOne) {
  BearableRate bearable;
  const MonoTime now = MonoTime() + absl::Hours(1);
  bearable.NoteAnswered(40, now);
  EXPECT_TRUE(bearable.NoteComplaint(now));
  const double once = bearable.rate();
  EXPECT_TRUE(bearable.NoteComplaint(now + absl::Milliseconds(100)));
  EXPECT_EQ(bearable.rate(), once);
}

TEST(BearableRateTest, WhoComplainsOfEverythingIsInTheEndNotUnderstood) {
  BearableRate bearable;
  MonoTime now = MonoTime() + absl::Hours(1);
  bearable.NoteAnswered(10, now);
  int understood = 0;
  while (bearable.NoteComplaint(now) && understood < 100) {
    now = now + absl::Seconds(2);
    ++understood;
  }
  EXPECT_GT(understood, 3);
  EXPECT_LT(understood, 40);
}

TEST(BearableRateTest, WhatWasFoundOutEarlierHoldsFromTheStart) {
  BearableRate bearable;
  Server server(20);
  bearable.Restore(19, server.now());
  server.Ask(bearable, BearableRate::kStay);
  EXPECT_EQ(server.complaints(), 0);
  EXPECT_GE(server.asked(), 0.9 * 20 * absl::ToDoubleSeconds(BearableRate::kStay));
}

TEST(BearableRateTest, WithinMinutesAfterTheLastComplaintTheSearchGoesUpAgainWhetherTheRateWasNeededOrNot) {
  for (const absl::Duration between : {absl::Milliseconds(100), absl::Seconds(5)}) {
    BearableRate bearable;
    MonoTime now = MonoTime() + absl::Hours(1);
    bearable.NoteAnswered(10, now);
    while (bearable.NoteComplaint(now)) now = now + absl::Seconds(2);
    EXPECT_LT(bearable.rate(), 0.2);
    for (const MonoTime end = now + absl::Minutes(30); now < end; now = now + between) bearable.NoteAnswered(1, now);
    EXPECT_GT(bearable.rate(), 5) << between;
  }
}

TEST(BearableRateTest, NoComplaintBringsItBelowWhatTheOperatorHasSaid) {
  BearableRate bearable;
  bearable.SetLeast(1);
  MonoTime now = MonoTime() + absl::Hours(1);
  bearable.NoteAnswered(10, now);
  while (bearable.NoteComplaint(now)) now = now + absl::Seconds(2);
  EXPECT_EQ(bearable.rate(), 1);
}

TEST(BearableRateTest, ARateThatGrewIsFoundOutAgain) {
  BearableRate bearable;
  bearable.Restore(20, MonoTime() + absl::Hours(1));
  Server server(1000);
  server.Ask(bearable, absl::Hours(1));
  EXPECT_GT(bearable.rate(), 30);
}

}  // namespace
}  // namespace verifyd
