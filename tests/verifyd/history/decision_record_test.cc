#include "verifyd/history/decision_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "boost/json.hpp"
#include "tests/verifyd/rooms_test.h"

namespace verifyd {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

namespace fs = std::filesystem;
namespace json = boost::json;

class DecisionRecordTest : public RoomsTest {
 protected:
  DecisionRecordTest() {
    char name[] = "/tmp/verifyd-record-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~DecisionRecordTest() override { fs::remove_all(directory_); }

  static Ruling Refusal() {
    Ruling ruling;
    ruling.decision = {.kind = DecisionKind::kReject, .code = 550, .dsn = "5.1.1", .text = "undeliverable address: no"};
    ruling.restriction = "reject_unverified_recipient";
    ruling.verdict.emplace();
    ruling.verdict->state = VerdictState::kKnown;
    ruling.verdict->finding.deliverability = Deliverability::kUndeliverable;
    ruling.verdict->finding.reason = Reason::kNoSuchUser;
    ruling.verdict->finding.rule = "test.rule";
    ruling.verdict->finding.text = "host mx.example.com[192.0.2.1] said: 550 no";
    ruling.verdict->finding.mx_name = "mx.example.com";
    return ruling;
  }

  json::object ReportOf(DecisionRecord& record, absl::Duration since = absl::Hours(24)) {
    std::optional<std::string> report;
    test_.loop().Spawn([](DecisionRecord& asked, absl::Duration back,
                          std::optional<std::string>& answer) -> boost::asio::awaitable<void> {
      answer = co_await asked.Report(back);
    }(record, since, report));
    test_.RunUntilIdle();
    EXPECT_TRUE(report.has_value());
    return json::parse(report.value_or("{}")).get_object();
  }

  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(directory_)) files.push_back(entry.path());
    return files;
  }

  const MailRequest request_ = {.protocol_state = "RCPT",
                                .client_address = "192.0.2.7",
                                .sender = "ann@example.org",
                                .recipient = "bad@example.com"};
  std::string directory_;
};

TEST_F(DecisionRecordTest, AReportHasWhatWasDecided) {
  EXPECT_EQ(record_.Take(request_, Refusal()), "");
  record_.Take(request_, Ruling());
  const json::object report = ReportOf(record_);
  EXPECT_EQ(report.at("decisions"), 2);
  EXPECT_EQ(report.at("totals").at("reject"), 1);
  EXPECT_EQ(report.at("reasons").at(0).at("reason"), "no_such_user");
  EXPECT_EQ(report.at("reasons").at(0).at("samples").at(0).at("reply"), "host mx.example.com[192.0.2.1] said: 550 no");
  EXPECT_EQ(report.at("domains").at(0).at("domain"), "example.com");
  EXPECT_EQ(report.at("addresses").at(0).at("address"), "bad@example.com");
}

TEST_F(DecisionRecordTest, WhatADryRunWouldHaveRefusedIsToldApart) {
  Ruling ruling = Refusal();
  ruling.warning = std::exchange(ruling.decision, Decision());
  record_.Take(request_, ruling);
  const json::object report = ReportOf(record_);
  EXPECT_EQ(report.at("totals").at("would_reject"), 1);
  EXPECT_EQ(report.at("totals").at("reject"), 0);
}

// It was counted under the reason of an address that an earlier restriction had accepted.
TEST_F(DecisionRecordTest, ARefusalThatNoVerdictStandsBehindCountsForItsRestriction) {
  Ruling ruling = Refusal();
  ruling.verdict->finding.reason = Reason::kAccepted;
  ruling.restriction = "check_client_access";
  record_.Take(request_, ruling);
  const json::object report = ReportOf(record_);
  EXPECT_EQ(report.at("reasons").at(0).at("reason"), "check_client_access");
  EXPECT_EQ(report.at("reasons").at(0).at("samples").at(0).at("reply"), "undeliverable address: no");
}

TEST_F(DecisionRecordTest, ARefusedSenderCountsForHisDomain) {
  Ruling ruling = Refusal();
  ruling.restriction = "reject_unverified_sender";
  record_.Take(request_, ruling);
  EXPECT_EQ(ReportOf(record_).at("domains").at(0).at("domain"), "example.org");
}

TEST_F(DecisionRecordTest, TheHoursBeforeSinceAreLeftOut) {
  record_.Take(request_, Refusal());
  test_.Advance(absl::Hours(3));
  record_.Take(request_, Refusal());
  EXPECT_EQ(ReportOf(record_, absl::Hours(1)).at("decisions"), 1);
  EXPECT_EQ(ReportOf(record_, absl::Hours(24)).at("decisions"), 2);
}

TEST_F(DecisionRecordTest, AnotherRecordReadsWhatOneHasWritten) {
  {
    DecisionRecord record(test_.loop(), *cache_);
    record.Configure({.directory = directory_});
    record.Take(request_, Refusal());
    test_.Advance(absl::Hours(2));
    record.Take(request_, Refusal());
  }
  EXPECT_THAT(Files(), SizeIs(2));
  DecisionRecord record(test_.loop(), *cache_);
  record.Configure({.directory = directory_});
  record.Take(request_, Refusal());
  EXPECT_EQ(ReportOf(record).at("totals").at("reject"), 3);
}

TEST_F(DecisionRecordTest, FilesThatAreBrokenArePassedOver) {
  std::ofstream(directory_ + "/2001-01-01T00Z.json") << "{\"totals\":";
  std::ofstream(directory_ + "/2001-01-01T01Z.json") << "{}";
  std::ofstream(directory_ + "/README") << "not ours";
  fs::create_directory(directory_ + "/2001-01-01T02Z.json");
  DecisionRecord record(test_.loop(), *cache_);
  record.Configure({.directory = directory_, .keep_time = absl::Hours(24 * 365 * 100)});
  EXPECT_TRUE(log_.Contains("2001-01-01T00Z.json is passed over"));
  EXPECT_TRUE(log_.Contains("2001-01-01T01Z.json is passed over"));
  EXPECT_TRUE(log_.Contains("2001-01-01T02Z.json is passed over"));
  EXPECT_EQ(ReportOf(record).at("decisions"), 0);
}

TEST_F(DecisionRecordTest, AFileOfAnHourToComeIsNotCountedOn) {
  {
    DecisionRecord record(test_.loop(), *cache_);
    record.Configure({.directory = directory_});
    record.Take(request_, Refusal());
  }
  fs::rename(Files().front(), directory_ + "/2999-01-01T00Z.json");
  DecisionRecord record(test_.loop(), *cache_);
  record.Configure({.directory = directory_});
  record.Take(request_, Refusal());
  EXPECT_EQ(ReportOf(record).at("decisions"), 1);
}

TEST_F(DecisionRecordTest, OldFilesAreDeletedAndOthersLeftAlone) {
  std::ofstream(directory_ + "/2001-01-01T00Z.json") << "{}";
  std::ofstream(directory_ + "/README") << "not ours";
  {
    DecisionRecord record(test_.loop(), *cache_);
    record.Configure({.directory = directory_});
    record.Take(request_, Refusal());
  }
  EXPECT_FALSE(fs::exists(directory_ + "/2001-01-01T00Z.json"));
  EXPECT_TRUE(fs::exists(directory_ + "/README"));
}

TEST_F(DecisionRecordTest, AFolderThatCanNotBeWrittenIsLoggedOnly) {
  {
    DecisionRecord record(test_.loop(), *cache_);
    record.Configure({.directory = directory_ + "/missing/decisions"});
    record.Take(request_, Refusal());
    EXPECT_EQ(ReportOf(record).at("decisions"), 1);
  }
  EXPECT_TRUE(log_.Contains("can not be written"));
}

TEST_F(DecisionRecordTest, ARefusalHasAnIdByWhichItsStoryIsFound) {
  record_.Configure({.refusal_ids = true});
  const std::string id = record_.Take(request_, Refusal());
  EXPECT_THAT(id, MatchesRegex("[A-Z2-9]{8}"));
  EXPECT_TRUE(IsRefusalId(id));
  EXPECT_NE(record_.Take(request_, Refusal()), id);
  EXPECT_EQ(record_.Take(request_, Ruling()), "");
  const std::optional<std::string> found = record_.FindRefusal(absl::AsciiStrToLower(id));
  ASSERT_TRUE(found.has_value());
  EXPECT_THAT(*found, HasSubstr("\"recipient\":\"bad@example.com\""));
  EXPECT_THAT(*found, HasSubstr("\"rule\":\"test.rule\""));
  EXPECT_THAT(*found, HasSubstr("\"client_address\":\"192.0.2.7\""));
  EXPECT_FALSE(record_.FindRefusal("AAAAAAAA").has_value());
}

TEST_F(DecisionRecordTest, AWarningOnlyHasNoId) {
  record_.Configure({.refusal_ids = true});
  Ruling ruling = Refusal();
  ruling.warning = std::exchange(ruling.decision, Decision());
  EXPECT_EQ(record_.Take(request_, ruling), "");
}

TEST_F(DecisionRecordTest, TheOldestRefusalsAreForgotten) {
  RefusalBook book;
  const std::string first = book.Enter(request_, Refusal(), absl::Now());
  for (size_t i = 0; i < RefusalBook::kMost; ++i) book.Enter(request_, Refusal(), absl::Now());
  EXPECT_EQ(book.size(), RefusalBook::kMost);
  EXPECT_FALSE(book.Find(first).has_value());
}

TEST_F(DecisionRecordTest, AnHourThatIsOverIsLookedAt) {
  for (int i = 0; i < 100; ++i) record_.Take(request_, Ruling());
  test_.Advance(absl::Hours(1));
  for (int i = 0; i < 100; ++i) record_.Take(request_, Refusal());
  test_.Advance(absl::Hours(1));
  EXPECT_TRUE(log_.Contains("100 % of what was decided on example.com is refused or deferred, 0.0 % before"));
}

}  // namespace
}  // namespace verifyd
