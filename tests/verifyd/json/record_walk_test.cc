#include "verifyd/json/record_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_split.h"
#include "base/log.h"
#include "boost/json.hpp"
#include "tests/test_loop.h"
#include "tests/verifyd/api/api_world.h"

namespace verifyd {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RecordWalkTest : public testing::Test {
 protected:
  std::vector<json::object> Ask(const std::string& method, const json::object& arguments) {
    ApiRequest request;
    request.method = method;
    request.target = "/v1/records";
    request.body = json::serialize(arguments);
    request.right = ApiRight::kChange;
    ApiReply reply = HandleApiRequest(context_, request);
    std::string text = reply.body;
    if (reply.lines) {
      while (std::optional<std::string> together = test_.Run(reply.lines())) absl::StrAppend(&text, *together);
    }
    std::vector<json::object> lines;
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      lines.push_back(json::parse(json::string_view(line.data(), line.size())).as_object());
    }
    return lines;
  }

  std::vector<std::string> Listed(const json::object& arguments) {
    std::vector<std::string> addresses;
    for (const json::object& line : Ask("GET", arguments)) {
      if (line.contains("address")) addresses.emplace_back(line.at("address").as_string().c_str());
    }
    return addresses;
  }

  void HoldSome() {
    world_.Hold("ann@example.com", Deliverability::kDeliverable, Reason::kAccepted, absl::Hours(1));
    world_.Hold("bob@example.com", Deliverability::kUndeliverable, Reason::kNoSuchUser, absl::Hours(2));
    world_.Hold("cid@example.org", Deliverability::kUndeliverable, Reason::kNoSuchUser, absl::Hours(3));
  }

  CapturedLog log_;
  TestLoop test_;
  ApiWorld world_{test_.loop()};
  ApiContext& context_ = world_.Context();
};

TEST_F(RecordWalkTest, AListShowsEveryRecordInTheOrderOfTheKeysAndWhatWasLookedAt) {
  HoldSome();
  const std::vector<json::object> lines = Ask("GET", {});
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].at("address"), "ann@example.com");
  EXPECT_EQ(lines[0].at("record").at("finding").at("status"), "deliverable");
  EXPECT_EQ(lines[3], (json::object{{"examined", 3}}));
}

TEST_F(RecordWalkTest, OnlyWhatIsAskedForIsListed) {
  HoldSome();
  EXPECT_THAT(Listed({{"domain", "Example.com"}}), ElementsAre("ann@example.com", "bob@example.com"));
  EXPECT_THAT(Listed({{"deliverability", "undeliverable"}, {"domain", ".org"}}), ElementsAre("cid@example.org"));
  EXPECT_THAT(Listed({{"reason", "accepted"}}), ElementsAre("ann@example.com"));
  EXPECT_THAT(Listed({{"older", "2h"}, {"newer", "3h"}}), ElementsAre("bob@example.com"));
  EXPECT_THAT(Listed({{"mx", "mx.example.net"}}), ElementsAre());
}

TEST_F(RecordWalkTest, WhatCanNotBeAskedForIsSaid) {
  EXPECT_THAT(json::serialize(Ask("GET", {{"reason", "bad_luck"}})[0]), HasSubstr("\\\"reason\\\": found"));
  EXPECT_THAT(json::serialize(Ask("GET", {{"deliverability", "perhaps"}})[0]), HasSubstr("expected"));
  EXPECT_THAT(json::serialize(Ask("GET", {{"domain", "a b"}})[0]), HasSubstr("\\\"domain\\\": byte 1"));
  EXPECT_THAT(json::serialize(Ask("GET", {{"older", "long"}})[0]), HasSubstr("\\\"older\\\""));
}

TEST_F(RecordWalkTest, PageByPageEveryRecordIsMetOnce) {
  const size_t count = 3 * RecordWalk::kShown + 1;
  for (size_t i = 0; i < count; ++i) {
    world_.Hold(absl::StrCat("user", i, "@example.com"), Deliverability::kDeliverable, Reason::kAccepted,
                absl::ZeroDuration());
  }
  std::set<std::string> met;
  int pages = 0;
  json::object arguments;
  for (;; ++pages) {
    const std::vector<json::object> lines = Ask("GET", arguments);
    EXPECT_LE(lines.size(), RecordWalk::kShown + Cache::kInATurn + 1);
    for (size_t i = 0; i + 1 < lines.size(); ++i) {
      EXPECT_TRUE(met.insert(lines[i].at("address").as_string().c_str()).second);
    }
    if (!lines.back().contains("next")) break;
    arguments["after"] = lines.back().at("next");
  }
  EXPECT_EQ(met.size(), count);
  EXPECT_GE(pages, 3);
}

TEST_F(RecordWalkTest, APurgeForgetsWhatMatchesAndNothingElse) {
  HoldSome();
  EXPECT_THAT(Ask("DELETE", {{"reason", "no_such_user"}}),
              ElementsAre(json::object{{"examined", 3}, {"matched", 2}, {"deleted", 2}}));
  EXPECT_THAT(Listed({}), ElementsAre("ann@example.com"));
}

TEST_F(RecordWalkTest, ADryRunOnlyCounts) {
  HoldSome();
  EXPECT_THAT(Ask("DELETE", {{"older", "0s"}, {"dry_run", true}}),
              ElementsAre(json::object{{"examined", 3}, {"matched", 3}, {"deleted", 0}}));
  EXPECT_EQ(Listed({}).size(), 3U);
}

TEST_F(RecordWalkTest, APurgeOfADomainForgetsWhatDecidesAboutTheWholeOfIt) {
  HoldSome();
  DomainFact fact;
  fact.domain = "example.org";
  world_.cache().PutDomainFact(fact);
  EXPECT_FALSE(Ask("DELETE", {{"domain", "example.org"}, {"reason", "accepted"}})[0].contains("domains"));
  EXPECT_EQ(Ask("DELETE", {{"domain", "example.org"}})[0].at("domains"), 1);
  EXPECT_FALSE(world_.cache().FindDomainFact("example.org").has_value());
}

TEST_F(RecordWalkTest, APurgeThatSaysNothingIsRefused) {
  HoldSome();
  EXPECT_THAT(json::serialize(Ask("DELETE", {})[0]), HasSubstr("expected at least one"));
  EXPECT_EQ(Listed({}).size(), 3U);
}

TEST_F(RecordWalkTest, AMemoryHasNothingToClean) {
  ApiRequest request;
  request.method = "POST";
  request.target = "/v1/clean";
  request.right = ApiRight::kChange;
  const ApiReply asked = HandleApiRequest(context_, request);
  const ApiReply reply = test_.Run(asked.later());
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("in memory only"));
}

TEST_F(RecordWalkTest, RecordsAreTakenInUnlessWhatIsHeldIsNewer) {
  HoldSome();
  const std::vector<json::object> held = Ask("GET", {});
  json::array records;
  for (const json::object& line : held) {
    if (line.contains("address")) records.push_back(line);
  }
  world_.cache().DeleteRecord("bob@example.com");
  records.push_back("nonsense");
  ApiRequest request;
  request.method = "POST";
  request.target = "/v1/records";
  request.body = json::serialize(json::object{{"records", records}});
  request.right = ApiRight::kChange;
  const ApiReply reply = HandleApiRequest(context_, request);
  const json::value answer = json::parse(test_.Run(reply.later()).body);
  EXPECT_EQ(answer.at("imported"), 1);
  EXPECT_EQ(answer.at("older"), 2);
  EXPECT_EQ(answer.at("errors").at(0).at("record"), 3);
  EXPECT_EQ(Listed({}).size(), 3U);
}

}  // namespace
}  // namespace verifyd
