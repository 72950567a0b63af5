#include "base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace verifyd {
namespace {

TEST(LogTest, ACapturedLogKeepsLinesWithTheirLevelWords) {
  CapturedLog log;
  LogInfo("all is well");
  LogWarning("look here");
  LogDebug("not shown");
  EXPECT_EQ(log.lines(), (std::vector<std::string>{"all is well", "warning: look here"}));
}

TEST(LogTest, QueuedLinesAreWrittenBeforeTheLogStops) {
  testing::internal::CaptureStderr();
  StartLog({});
  for (int i = 0; i < 100; ++i) LogInfo("line");
  LogError("last");
  StopLog();
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("error: last\n"), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 101);
}

TEST(LogTest, KnowsTheFacilitiesOfSyslog) {
  EXPECT_TRUE(IsSyslogFacility("mail"));
  EXPECT_TRUE(IsSyslogFacility("local3"));
  EXPECT_FALSE(IsSyslogFacility("mial"));
}

}  // namespace
}  // namespace verifyd
