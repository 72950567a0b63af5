#include "verifyd/restriction/rate_counter.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

class RateCounterTest : public testing::Test {
 protected:
  // Returns how many of `wanted` requests are within the limit.
  int Within(int wanted, absl::string_view who) {
    int within = 0;
    for (int i = 0; i < wanted; ++i) within += counter_.Exceeds(limit_, who) ? 0 : 1;
    return within;
  }

  ManualClock clock_;
  RateCounter counter_{clock_};
  RateLimit limit_{.count = 3, .period = absl::Minutes(1), .name = "r"};
};

TEST_F(RateCounterTest, CountsInStretchesThatBeginWithTheFirstRequest) {
  EXPECT_EQ(Within(5, "joe"), 3);
  EXPECT_EQ(Within(5, "JOE"), 0);
  EXPECT_EQ(Within(5, "ann"), 3);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Within(5, "joe"), 3);
}

TEST_F(RateCounterTest, AHundredThousandKeysOfAStrangerDoNotResetAnybodysCount) {
  EXPECT_EQ(Within(5, "joe"), 3);
  for (int i = 0; i < 300000; ++i) Within(1, absl::StrCat("domain", i, ".example"));
  EXPECT_EQ(Within(5, "joe"), 0);
}

}  // namespace
}  // namespace verifyd
