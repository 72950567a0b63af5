#include "verifyd/restriction/probe_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;

class ProbeBudgetTest : public testing::Test {
 protected:
  // Returns how many of `wanted` new probes may be made.
  int Taken(int wanted, absl::string_view client, absl::string_view instance = "") {
    int taken = 0;
    for (int i = 0; i < wanted; ++i) taken += budget_.Take(client, instance, settings_) ? 1 : 0;
    return taken;
  }

  CapturedLog log_;
  ManualClock clock_;
  ProbeBudget budget_{clock_};
  ProbeBudgetSettings settings_{.client_limit = 3, .message_limit = 0};
};

TEST_F(ProbeBudgetTest, AClientHasSoManyAMinuteAndOthersAreNotInIt) {
  EXPECT_EQ(Taken(5, "192.0.2.7"), 3);
  EXPECT_EQ(Taken(5, "192.0.2.8"), 3);
  clock_.Advance(absl::Seconds(59));
  EXPECT_EQ(Taken(1, "192.0.2.7"), 0);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Taken(5, "192.0.2.7"), 3);
}

TEST_F(ProbeBudgetTest, AnIpv6NetworkOf64BitsIsOneClient) {
  EXPECT_EQ(Taken(2, "2001:db8:0:1::1"), 2);
  EXPECT_EQ(Taken(2, "2001:db8:0:1:ffff::2"), 1);
  EXPECT_EQ(Taken(2, "2001:db8:0:2::1"), 2);
}

TEST_F(ProbeBudgetTest, AMappedIpv4AddressIsTheIpv4Address) {
  EXPECT_EQ(Taken(2, "::ffff:192.0.2.7"), 2);
  EXPECT_EQ(Taken(2, "192.0.2.7"), 1);
  EXPECT_EQ(Taken(2, "::ffff:192.0.2.8"), 2);
}

TEST_F(ProbeBudgetTest, WhoIsNotNamedAndThisMachineHaveNoLimit) {
  for (const absl::string_view client : {"", "unknown", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(Taken(10, client), 10) << client;
  }
}

TEST_F(ProbeBudgetTest, AMessageHasSoManyWhoeverSendsIt) {
  settings_ = {.client_limit = 0, .message_limit = 2};
  EXPECT_EQ(Taken(5, "192.0.2.7", "1.a"), 2);
  EXPECT_EQ(Taken(5, "127.0.0.1", "1.a"), 0);
  EXPECT_EQ(Taken(5, "192.0.2.7", "1.b"), 2);
  EXPECT_EQ(Taken(5, "192.0.2.7", ""), 5);
  clock_.Advance(absl::Minutes(59));
  EXPECT_EQ(Taken(5, "192.0.2.7", "1.a"), 0);
}

TEST_F(ProbeBudgetTest, WhatIsRefusedIsNotCountedAgainstTheOther) {
  settings_ = {.client_limit = 3, .message_limit = 2};
  EXPECT_EQ(Taken(5, "192.0.2.7", "1.a"), 2);
  EXPECT_EQ(Taken(5, "192.0.2.7", "1.b"), 1);
  EXPECT_EQ(Taken(5, "192.0.2.8", "1.b"), 1);
}

TEST_F(ProbeBudgetTest, ZeroIsNoLimit) {
  settings_ = {.client_limit = 0, .message_limit = 0};
  EXPECT_EQ(Taken(1000, "192.0.2.7", "1.a"), 1000);
}

TEST_F(ProbeBudgetTest, IsSaidOnceAMinuteForEachClient) {
  settings_ = {.client_limit = 3, .message_limit = 1};
  Taken(3, "192.0.2.7", "1.a");
  Taken(3, "192.0.2.7", "1.b");
  EXPECT_THAT(log_.lines(),
              ElementsAre("warning: client 192.0.2.7 has had more than 1 new addresses asked about for one message "
                          "(message_new_probe_limit): further ones are answered from memory only"));
  clock_.Advance(absl::Minutes(1));
  Taken(5, "192.0.2.7");
  ASSERT_EQ(log_.lines().size(), 2U);
  EXPECT_EQ(log_.lines()[1],
            "warning: client 192.0.2.7 has had more than 3 new addresses asked about in a minute "
            "(client_new_probe_rate_limit): "
            "further ones are answered from memory only");
}

TEST_F(ProbeBudgetTest, AHundredThousandStrangersDoNotGiveAClientItsBudgetBack) {
  EXPECT_EQ(Taken(5, "192.0.2.7"), 3);
  for (int i = 0; i < 300000; ++i) Taken(1, absl::StrCat("10.", i >> 16, ".", i >> 8 & 255, ".", i & 255));
  EXPECT_EQ(Taken(5, "192.0.2.7"), 0);
}

TEST_F(ProbeBudgetTest, WhoseMinuteIsOverMakesRoomFirst) {
  EXPECT_EQ(Taken(1, "192.0.2.7"), 1);
  clock_.Advance(absl::Seconds(30));
  for (int i = 0; i < 99999; ++i) Taken(2, absl::StrCat("10.", i >> 16, ".", i >> 8 & 255, ".", i & 255));
  clock_.Advance(absl::Seconds(30));
  for (int i = 0; i < 50000; ++i) Taken(1, absl::StrCat("11.", i >> 16, ".", i >> 8 & 255, ".", i & 255));
  EXPECT_EQ(Taken(5, "10.0.0.0"), 1) << "still in its minute";
}

}  // namespace
}  // namespace verifyd
