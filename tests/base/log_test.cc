#include "base/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <vector>

#include "absl/time/time.h"

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

TEST(LogTest, APipeThatNobodyReadsKeptTheLogFromStopping) {
  std::signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const int before = ::dup(STDERR_FILENO);
  ASSERT_GE(::dup2(ends[1], STDERR_FILENO), 0);
  StartLog({});
  for (int i = 0; i < 5000; ++i) LogInfo("a line that does not fit into the pipe together with all the others");
  StopLog(absl::Milliseconds(50));
  // Nobody who logs from now on is held up.
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  ::close(ends[1]);
  ::close(ends[0]);
}

TEST(LogTest, KnowsTheFacilitiesOfSyslog) {
  EXPECT_TRUE(IsSyslogFacility("mail"));
  EXPECT_TRUE(IsSyslogFacility("local3"));
  EXPECT_FALSE(IsSyslogFacility("mial"));
}

}  // namespace
}  // namespace verifyd
