#include "verifyctl/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace verifyd {
namespace {

using ::testing::EndsWith;

class ProgressTest : public testing::Test {
 protected:
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  ManualClock clock_;
  Console console_{in_, out_, err_, clock_};
};

TEST_F(ProgressTest, SaysTheRateAndTheTimeThatIsLeft) {
  console_.err_is_terminal = true;
  Progress progress(console_, "records", 10000000);
  clock_.AdvanceTo(clock_.Mono() + absl::Seconds(10));
  progress.Show(1000000);
  EXPECT_EQ(err_.str(), "\r\033[K1000000 of 10000000 records, 100000 a second, 1 minute left");
}

TEST_F(ProgressTest, WithoutATotalOnlyTheRateIsSaid) {
  console_.err_is_terminal = true;
  Progress progress(console_, "entries", 0);
  clock_.AdvanceTo(clock_.Mono() + absl::Seconds(1));
  progress.Show(500);
  EXPECT_EQ(err_.str(), "\r\033[K500 entries, 500 a second");
}

TEST_F(ProgressTest, IsGoneInTheEnd) {
  console_.err_is_terminal = true;
  {
    Progress progress(console_, "records", 10);
    clock_.AdvanceTo(clock_.Mono() + absl::Seconds(1));
    progress.Show(5);
  }
  EXPECT_THAT(err_.str(), EndsWith("\r\033[K"));
}

TEST_F(ProgressTest, IsShownAFewTimesASecondOnly) {
  console_.err_is_terminal = true;
  Progress progress(console_, "records", 10);
  progress.Show(1);
  EXPECT_EQ(err_.str(), "");
}

TEST_F(ProgressTest, IsForTerminals) {
  Progress progress(console_, "records", 10);
  clock_.AdvanceTo(clock_.Mono() + absl::Seconds(10));
  progress.Show(5);
  EXPECT_EQ(err_.str(), "");
}

}  // namespace
}  // namespace verifyd
