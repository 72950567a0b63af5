#include "verifyctl/stats_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/string_view.h"
#include "boost/json.hpp"

namespace verifyd {
namespace {

using ::testing::HasSubstr;

boost::json::object StatsOf(absl::string_view text) {
  return boost::json::parse(boost::json::string_view(text.data(), text.size())).as_object();
}

TEST(StatsTextTest, WatchedStatsSayHowMuchGrewInASecond) {
  const boost::json::object before = StatsOf(R"({"cache": {"records": 10, "commits": 4}, "prober": {"probes": 7}})");
  const boost::json::object now = StatsOf(R"({"cache": {"records": 10, "commits": 9}, "prober": {"probes": 8}})");
  const std::string text = AllStatsText(now, &before, 2);
  EXPECT_THAT(text, HasSubstr(" 10\n"));
  EXPECT_THAT(text, HasSubstr(" 9  +2.5/s\n"));
  EXPECT_THAT(text, HasSubstr(" 8  +0.5/s\n"));
  EXPECT_THAT(AllStatsText(now), testing::Not(HasSubstr("/s")));
}

TEST(StatsTextTest, TheScreenHasTheNumbersByTheirKindAndWhatHasGrown) {
  const boost::json::object before = StatsOf(R"({"counters": {"verifyd_answers_total{source=\"cache\"}": 80}})");
  const boost::json::object now = StatsOf(R"({
      "cache": {"persistent": true, "records": 18432, "domains": 12, "file_bytes": 14680064, "used_bytes": 11534336},
      "counters": {"verifyd_answers_total{source=\"cache\"}": 90, "verifyd_answers_total{source=\"probe\"}": 10,
                   "verifyd_answers_total{source=\"pin\"}": 0, "verifyd_door_requests_total{door=\"tcp_table\"}": 7}})");
  const std::string text = StatsText(now, &before, 2);
  EXPECT_THAT(text, HasSubstr("answers                100   +10.0/s  90.0 % from memory: cache 90, probe 10\n"));
  EXPECT_THAT(text, HasSubstr("requests                 7    +3.5/s  tcp_table 7\n"));
  EXPECT_THAT(text, HasSubstr("cache                18432 +9216.0/s  11.0 MiB of 14.0 MiB used; 12 domains\n"));
}

TEST(StatsTextTest, TheColumnsBrokeAtALongName) {
  const std::string text =
      AllStatsText(StatsOf(R"({"counters": {"verifyd_door_connections_total{door=\"tcp_table\"}": 3, "short": 4}})"));
  EXPECT_THAT(text, HasSubstr("    short                                            4\n"));
  EXPECT_THAT(text, HasSubstr("    verifyd_door_connections_total{door=\"tcp_table\"} 3\n"));
}

}  // namespace
}  // namespace verifyd
