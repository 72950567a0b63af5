#include "verifyd/history/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "boost/json.hpp"
#include "tests/verifyd/rooms_test.h"

namespace verifyd {
namespace {

namespace json = boost::json;

class ReplayTest : public RoomsTest {
 protected:
  ReplayTest() {
    AddServer("example.com", "banner=220 mx ;; rcpt(bad@example.com)=550 5.1.1 User unknown");
    ConfigureRooms({{"verify_domains", "*"},
                    {"probe_permit_networks", "11.0.0.0/8"},
                    {"unverified_recipient_reject_code", "550"}});
  }

  json::object Replayed(std::deque<std::string> blocks, bool probe) {
    const LineSource requests = [waiting = std::make_shared<std::deque<std::string>>(
                                     std::move(blocks))]() -> boost::asio::awaitable<std::optional<std::string>> {
      if (waiting->empty()) co_return std::nullopt;
      std::string block = std::move(waiting->front());
      waiting->pop_front();
      co_return block;
    };
    const LineSource report =
        Replay::Report({.loop = test_.loop(), .restrictions = restrictions_, .verifier = verifier_, .cache = *cache_},
                       probe, absl::Minutes(5), requests);
    std::string answer;
    test_.loop().Spawn([](LineSource source, std::string& taken) -> boost::asio::awaitable<void> {
      while (const std::optional<std::string> lines = co_await source()) taken += *lines;
    }(report, answer));
    test_.Advance(absl::Minutes(10));
    return json::parse(answer).get_object();
  }
};

TEST_F(ReplayTest, WithoutProbesWhatMemoryDoesNotKnowIsNotKnown) {
  const json::object report =
      Replayed({"ann@example.org\tbad@example.com\n<>\tjoe@example.com\t192.0.2.1\tjoe\n"}, false);
  EXPECT_EQ(report.at("requests"), 2);
  EXPECT_EQ(report.at("totals").at("not_known"), 2);
  EXPECT_TRUE(dialer_.connections().empty());
}

TEST_F(ReplayTest, WithProbesItIsFoundOutWhatWouldBeRefused) {
  const json::object report = Replayed({"<>\tbad@example.com\n", "<>\tjoe@example.com\n<>\tbad@example.com\n"}, true);
  EXPECT_EQ(report.at("requests"), 3);
  EXPECT_EQ(report.at("totals").at("reject"), 2);
  EXPECT_EQ(report.at("totals").at("dunno"), 1);
  EXPECT_EQ(report.at("reasons").at(0).at("reason"), "no_such_user");
}

// A log could get clients refused that had asked for nothing.
TEST_F(ReplayTest, ClientsAreNotChargedForIt) {
  ConfigureRooms({{"recipient_restrictions",
                   "rate_limit { client_address/1/1h/reject }, check_recipient_access "
                   "inline:{ {example.com = WARN seen} }"}});
  const json::object report = Replayed({"<>\tjoe@example.com\t192.0.2.1\n<>\tjoe@example.com\t192.0.2.1\n"}, false);
  EXPECT_EQ(report.at("totals").at("dunno"), 2);
  EXPECT_FALSE(log_.Contains("WARN seen"));
  const MailRequest live = {.protocol_state = "RCPT", .client_address = "192.0.2.1", .recipient = "joe@example.com"};
  EXPECT_FALSE(restrictions_.Begin(live, false).ruling().decision.refuses());
  EXPECT_TRUE(restrictions_.Begin(live, false).ruling().decision.refuses());
}

TEST_F(ReplayTest, WithProbesSendersThatATableChoosesAreFoundOut) {
  ConfigureRooms({{"probe_permit_networks", "11.0.0.0/8"},
                  {"unverified_sender_reject_code", "550"},
                  {"sender_restrictions", "check_sender_access inline:{ {example.com = reject_unverified_sender} }"}});
  const json::object report = Replayed({"bad@example.com\tjoe@elsewhere.test\n"}, true);
  EXPECT_EQ(report.at("totals").at("reject"), 1);
  EXPECT_EQ(report.at("addresses").at(0).at("address"), "bad@example.com");
}

TEST_F(ReplayTest, WhatIsNoRequestIsCountedAndPassedOver) {
  const json::object report = Replayed({"nonsense\na\tb\tc\td\te\n\n\t\n<>\tnot an address\n"}, true);
  EXPECT_EQ(report.at("malformed"), 3);
  EXPECT_EQ(report.at("requests"), 1);
}

TEST_F(ReplayTest, TheRecordOfWhatWasDecidedDoesNotHearOfIt) {
  Replayed({"<>\tbad@example.com\n"}, true);
  EXPECT_EQ(record_.Take({.protocol_state = "RCPT", .recipient = "joe@example.com"}, Ruling()), "");
  std::optional<std::string> report;
  test_.loop().Spawn([](DecisionRecord& record, std::optional<std::string>& answer) -> boost::asio::awaitable<void> {
    answer = co_await record.Report(absl::Hours(1));
  }(record_, report));
  test_.RunUntilIdle();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(json::parse(*report).at("decisions"), 1);
}

}  // namespace
}  // namespace verifyd
