#include "classifier/retry_delay.h"

#include <gtest/gtest.h>

#include <string>

namespace verifyd {
namespace {

TEST(RetryDelayTest, IsWhatTheTextSays) {
  struct Row {
    const char* text;
    absl::Duration delay;  // zero: none
  };
  const Row rows[] = {
      {"451 4.7.1 Greylisted, please try again in 5 minutes", absl::Minutes(5)},
      {"450 4.2.0 <joe@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/",
       absl::ZeroDuration()},
      {"451 Greylisting in action, please come back in 00:04:59", absl::Minutes(4) + absl::Seconds(59)},
      {"451 4.7.1 Try again in 04:59", absl::Minutes(4) + absl::Seconds(59)},
      {"450 4.7.1 greylisted for 300 seconds", absl::Seconds(300)},
      {"450 retry in 60s", absl::Seconds(60)},
      {"450 4.7.1 Try in 1 hr", absl::Hours(1)},
      {"450 wait 10 mins", absl::Minutes(10)},
      {"450 Bitte in 5 Minuten erneut versuchen", absl::Minutes(5)},
      {"450 wait 48 hours", kLongestRetryDelay},
      {"450 wait 0 seconds", absl::Seconds(1)},
      {"421 too many connections from 192.0.2.1, 4 messages sent", absl::ZeroDuration()},
      {"450 4.3.2 Service currently unavailable", absl::ZeroDuration()},
      {"", absl::ZeroDuration()},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(RetryDelayIn(row.text).value_or(absl::ZeroDuration()), row.delay) << row.text;
  }
}

TEST(RetryDelayTest, ALongTextCostsNoMoreThanItsLength) {
  EXPECT_EQ(RetryDelayIn(std::string(1000000, '9') + " 5 minutes"), absl::Minutes(5));
}

}  // namespace
}  // namespace verifyd
