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

TEST_F(ProgressTest, ItsLineWasNotWipedBeforeTheResult) {
  console_.err_is_terminal = true;
  Progress progress(console_, "records", 10);
  clock_.AdvanceTo(clock_.Mono() + absl::Seconds(1));
  progress.Show(5);
  progress.Wipe();
  EXPECT_THAT(err_.str(), EndsWith("\r\033[K"));
  const std::string wiped = err_.str();
  progress.Wipe();
  EXPECT_EQ(err_.str(), wiped);
}

TEST_F(ProgressTest, BytesAreSaidInUnitsForPeople) {
  console_.err_is_terminal = true;
  Progress progress(console_, "bytes", 372002816);
  clock_.AdvanceTo(clock_.Mono() + absl::Seconds(1));
  progress.Show(311230464);
  EXPECT_EQ(err_.str(), "\r\033[K296.8 MiB of 354.8 MiB, 296.8 MiB a second, 0 seconds left");
  EXPECT_EQ(ByteText(1023), "1023 bytes");
  EXPECT_EQ(ByteText(1536), "1.5 KiB");
  EXPECT_EQ(ByteText(UINT64_MAX), "16777216.0 TiB");
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
