#include "verifyd/configuration/settings_watch.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/temporary_directory.h"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

class SettingsWatchTest : public testing::Test {
 protected:
  void Write(const std::string& text) { std::ofstream(file_) << text; }

  TemporaryDirectory folder_;
  std::string file_ = folder_.path() + "/verifyd.cf";
  TestLoop test_;
  int loads_ = 0;
  int taken_ = 0;
  SettingsWatch watch_{test_.loop(), file_,
                       [this]() -> absl::StatusOr<Configuration> {
                         ++loads_;
                         return absl::InvalidArgumentError("wrong");
                       },
                       [this](const absl::StatusOr<Configuration>& /*loaded*/) { ++taken_; }};
};

TEST_F(SettingsWatchTest, AFileThatIsMendedIsReadOnceItHasStayedAsItIs) {
  Write("a = 1\n");
  watch_.Start();
  test_.Advance(absl::Seconds(20));
  EXPECT_EQ(loads_, 0);
  Write("bb = 2\n");
  test_.Advance(SettingsWatch::kInterval);
  EXPECT_EQ(loads_, 0) << "somebody may be in the middle of writing it";
  test_.Advance(SettingsWatch::kInterval);
  EXPECT_EQ(loads_, 1);
  EXPECT_EQ(taken_, 1);
}

TEST_F(SettingsWatchTest, ItIsReadEveryMinuteBecauseATableMayBeWhatIsWrong) {
  Write("a = 1\n");
  watch_.Start();
  test_.Advance(absl::Seconds(59));
  EXPECT_EQ(loads_, 0);
  test_.Advance(absl::Seconds(1));
  EXPECT_EQ(loads_, 1);
  test_.Advance(absl::Minutes(2));
  EXPECT_EQ(loads_, 3);
}

TEST_F(SettingsWatchTest, AFileThatIsMissingIsReadWhenItComes) {
  watch_.Start();
  Write("a = 1\n");
  test_.Advance(SettingsWatch::kInterval * 2);
  EXPECT_EQ(loads_, 1);
}

TEST_F(SettingsWatchTest, StoppedItReadsNothing) {
  watch_.Start();
  watch_.Stop();
  test_.Advance(absl::Hours(1));
  EXPECT_EQ(loads_, 0);
}

}  // namespace
}  // namespace verifyd
