#include "verifyd/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boost/json.hpp"

namespace verifyd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A status without a remark.
Status Well() {
  Status status;
  status.daemon.version = "1.2.3";
  status.daemon.started = absl::UnixEpoch();
  status.daemon.settings_file = "/etc/verifyd/verifyd.cf";
  status.daemon.doors = {{.name = "policy", .sockets = {"inet:127.0.0.1:10090"}, .connections = 4}};
  status.cache_map = "lmdb:/var/lib/verifyd/verify_cache";
  status.cache.persistent = true;
  status.cache.records = 1234;
  status.bounds = {.entries = 10000, .bytes = 1000000};
  status.domains = 6;
  status.routes = 2;
  return status;
}

StatusLevel Level(const Status& status) { return LevelOf(Judge(status)); }
std::string Summary(const Status& status) { return StatusSummary(status, Judge(status)); }

TEST(StatusTest, WhereAllIsWellTheSummarySaysWhatThereIs) {
  EXPECT_TRUE(Judge(Well()).empty());
  EXPECT_EQ(
      Summary(Well()),
      "verifyd OK - policy inet:127.0.0.1:10090, cache lmdb:/var/lib/verifyd/verify_cache (1234 records), 6 domains");
}

TEST(StatusTest, TheStartLineNamesVersionDoorsCacheDomainsAndSettings) {
  Status status = Well();
  status.postfix_directory = "/etc/postfix";
  status.daemon.doors.push_back({.name = "verify", .sockets = {"unix:/private/verifyd (inherited)"}});
  EXPECT_EQ(StartLine(status),
            "verifyd 1.2.3: policy inet:127.0.0.1:10090, verify unix:/private/verifyd (inherited), cache "
            "lmdb:/var/lib/verifyd/verify_cache (1234 records), 6 domains, settings /etc/verifyd/verifyd.cf and "
            "/etc/postfix");
}

TEST(StatusTest, AStopgapIsCriticalAndSaysWhatIsWrong) {
  Status status = Well();
  status.stand_in = StandIn::kStopgap;
  status.daemon.wrong_settings = "verifyd.cf:3: unknown setting \"relay_domain\"\nverifyd.cf:9: another";
  EXPECT_EQ(Level(status), StatusLevel::kCritical);
  EXPECT_EQ(Summary(status),
            "verifyd CRITICAL - nothing is verified: settings can not be used: verifyd.cf:3: unknown setting "
            "\"relay_domain\" (and 1 more)");
}

TEST(StatusTest, SettingsOfBeforeAreAWarning) {
  Status status = Well();
  status.stand_in = StandIn::kLastGood;
  status.daemon.wrong_settings = "verifyd.cf:3: unknown setting";
  EXPECT_EQ(Level(status), StatusLevel::kWarning);
  EXPECT_THAT(Summary(status), HasSubstr("those of before are in force"));
}

TEST(StatusTest, AFailedReloadIsAWarning) {
  Status status = Well();
  status.daemon.reload_error = "verifyd.cf:3: unknown setting";
  EXPECT_EQ(Level(status), StatusLevel::kWarning);
}

TEST(StatusTest, WhatWaitsForARestartIsAWarning) {
  Status status = Well();
  status.daemon.waits_for_restart = {"milter_listen"};
  EXPECT_THAT(Summary(status), HasSubstr("after a restart only: milter_listen"));
}

TEST(StatusTest, PostfixThatCanNotBeAskedIsAWarningAndCriticalWhereNothingIsKnownOfIt) {
  Status status = Well();
  status.postfix_directory = "/etc/postfix";
  status.postfix_error = "postconf: no network";
  EXPECT_EQ(Level(status), StatusLevel::kWarning);
  EXPECT_EQ(
      Summary(status),
      "verifyd WARNING - postconf: no network; it is tried again every minute, what was taken before is in force");
  status.postfix_directory.clear();
  EXPECT_EQ(Level(status), StatusLevel::kCritical);
}

TEST(StatusTest, AnAlarmThatStandsAndATableThatCanNotBeReadAreWarnings) {
  Status status = Well();
  status.daemon.alarms = {"transport_maps: /etc/t: Permission denied; addresses that it is needed for are not verified",
                          "a.example leads back to us"};
  status.broken_tables = {"transport_maps: /etc/t: Permission denied", "canonical_maps: /etc/c: Permission denied"};
  EXPECT_EQ(Level(status), StatusLevel::kWarning);
  EXPECT_EQ(Summary(status),
            "verifyd WARNING - transport_maps: /etc/t: Permission denied; addresses that it is needed for are not "
            "verified; a.example leads back to us; canonical_maps: /etc/c: Permission denied; addresses that it is "
            "needed for are not verified");
  for (int i = 0; i < 10; ++i) status.daemon.alarms.push_back(absl::StrCat("alarm ", i));
  EXPECT_EQ(Judge(status).size(), 6U) << "a screen, not a log";
}

TEST(StatusTest, ADoorThatCanNotBeServedIsCritical) {
  Status status = Well();
  status.daemon.doors.push_back({.name = "milter", .missing = {"milter_listen: can not bind: Address already in use"}});
  EXPECT_EQ(Level(status), StatusLevel::kCritical);
  EXPECT_THAT(Summary(status), HasSubstr("milter is not served: milter_listen: can not bind"));
}

TEST(StatusTest, NothingToVerifyIsAWarningUnlessPostfixChooses) {
  Status status = Well();
  status.domains = 0;
  EXPECT_EQ(Level(status), StatusLevel::kWarning);
  status.asked_by_postfix = true;
  EXPECT_EQ(Level(status), StatusLevel::kOk);
}

TEST(StatusTest, ACacheThatCanNotBeUsedIsAWarningAndOneThatIsNotWantedIsNone) {
  Status status = Well();
  status.cache.persistent = false;
  EXPECT_THAT(Summary(status), HasSubstr("WARNING - cache lmdb:/var/lib/verifyd/verify_cache can not be used"));
  status.cache_map.clear();
  EXPECT_EQ(Level(status), StatusLevel::kOk);
  EXPECT_THAT(Summary(status), HasSubstr("cache in memory only (1234 records)"));
}

TEST(StatusTest, AFullDiskIsSaidWhileChangesLiveInMemoryOnly) {
  Status status = Well();
  status.cache.write_errors = 900;
  status.cache.uncommitted = 40;
  EXPECT_EQ(Level(status), StatusLevel::kOk) << "it is over";
  status.cache.write_error = "No space left on device: the disk of /var/lib/verifyd is full";
  EXPECT_EQ(Level(status), StatusLevel::kWarning);
  EXPECT_THAT(Summary(status), HasSubstr("40 changes live in memory only: No space left on device"));
}

TEST(StatusTest, AFullCacheIsAWarning) {
  Status status = Well();
  status.cache.records = 10000;
  EXPECT_THAT(Summary(status), HasSubstr("cache is full (10000 records)"));
  status.bounds = {};
  EXPECT_EQ(Level(status), StatusLevel::kOk) << "it has no bounds";
}

TEST(StatusTest, ADoubtedDestinationIsAWarningAndAHoldIsAWish) {
  Status status = Well();
  status.held = {"@example.com"};
  EXPECT_EQ(Level(status), StatusLevel::kOk);
  status.doubted = {"mx.example.com (3 of 5 known users are refused)"};
  EXPECT_EQ(Level(status), StatusLevel::kWarning);
  EXPECT_THAT(Summary(status), HasSubstr("1 destination is not believed: mx.example.com (3 of 5 known users are"));
}

TEST(StatusTest, ADryRunIsWorthARemark) {
  Status status = Well();
  status.dry_run = true;
  ASSERT_EQ(Judge(status).size(), 1U);
  EXPECT_EQ(Judge(status)[0].text, "dry run: nothing is refused");
  EXPECT_EQ(Level(status), StatusLevel::kOk);
}

TEST(StatusTest, TheWorstComesFirst) {
  Status status = Well();
  status.dry_run = true;
  status.cache.persistent = false;
  status.daemon.doors.push_back({.name = "milter", .missing = {"in use"}});
  const std::vector<Remark> remarks = Judge(status);
  ASSERT_EQ(remarks.size(), 3U);
  EXPECT_EQ(remarks[0].level, StatusLevel::kCritical);
  EXPECT_EQ(remarks[2].level, StatusLevel::kOk);
}

TEST(StatusTest, WhatOthersHaveSaidIsMadePrintableAndCut) {
  Status status = Well();
  status.doubted = {"mx.example.com (\x1b[2J" + std::string(2000, 'x') + ")"};
  EXPECT_THAT(Summary(status), Not(HasSubstr("\x1b")));
  EXPECT_LT(Summary(status).size(), 600U);
}

TEST(StatusTest, AsJsonItHasLevelSummaryAndAllThatIsKnown) {
  Status status = Well();
  status.daemon.reload_error = "verifyd.cf:3: unknown setting";
  status.daemon.last_reload = absl::UnixEpoch() + absl::Minutes(1);
  const boost::json::object object = AsJson(Shown(status, absl::UnixEpoch() + absl::Hours(1)));
  EXPECT_EQ(object.at("level"), 1);
  EXPECT_EQ(object.at("uptime_s"), 3600);
  EXPECT_EQ(object.at("doors").at(0).at("connections"), 4U);
  EXPECT_EQ(object.at("domains"), 6U);
  EXPECT_EQ(object.at("settings").at("in_force"), "file");
  EXPECT_EQ(object.at("settings").at("last_reload"), "1970-01-01T00:01:00Z");
}

}  // namespace
}  // namespace verifyd
