#include "verifyd/history/tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/json.hpp"
#include "tests/status_matchers.h"
#include "verifyd/history/watch.h"

namespace verifyd {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1800000000);

void Count(Tally& tally, DecisionWord word, const std::string& address, int times = 1) {
  DecisionEntry entry;
  entry.word = word;
  entry.reason = word == DecisionWord::kDunno ? "accepted" : "no_such_user";
  entry.address = address;
  entry.domain = absl::string_view(address).substr(address.find('@') + 1);
  entry.rule = "test.rule";
  entry.reply = word == DecisionWord::kDunno ? "250 Ok" : "550 5.1.1 User unknown";
  entry.when = kNow;
  for (int i = 0; i < times; ++i) tally.Count(entry);
}

TEST(TallyTest, CountsByActionReasonDomainAndAddress) {
  Tally tally;
  Count(tally, DecisionWord::kDunno, "joe@Example.com", 3);
  Count(tally, DecisionWord::kReject, "bad@example.com", 2);
  Count(tally, DecisionWord::kWouldDefer, "odd@example.net");
  EXPECT_EQ(tally.counts().total(), 6u);
  EXPECT_EQ(tally.counts().refused(), 3u);
  EXPECT_EQ(tally.domains().at("example.com").counts[DecisionWord::kDunno], 3u);
  EXPECT_EQ(tally.domains().at("example.com").counts[DecisionWord::kReject], 2u);
  EXPECT_EQ(tally.reasons().at("no_such_user").counts.refused(), 3u);
  EXPECT_EQ(tally.refused().entries().at("bad@example.com").count, 2u);
  EXPECT_THAT(tally.refused().entries(), SizeIs(2));
}

TEST(TallyTest, DomainsWithoutEndBecomeOthers) {
  Tally tally;
  for (size_t i = 0; i < 3 * Tally::kMostDomains; ++i) {
    Count(tally, DecisionWord::kReject, absl::StrCat("joe@d", i, ".example"));
  }
  EXPECT_THAT(tally.domains(), SizeIs(Tally::kMostDomains + 1));
  EXPECT_EQ(tally.domains().at(Tally::kOthers).counts.refused(), 2 * Tally::kMostDomains);
  EXPECT_THAT(tally.refused().entries(), SizeIs(TopAddresses::kMost));
}

TEST(TallyTest, TheAddressThatIsAskedMostIsCountedWhateverIsDecided) {
  Tally tally;
  for (int i = 0; i < 3; ++i)
    tally.Count({.word = DecisionWord::kDunno, .reason = "accepted", .address = "a@example.com"});
  tally.Count({.word = DecisionWord::kReject, .reason = "no_such_user", .address = "a@example.com"});
  tally.Count({.word = DecisionWord::kNotKnown, .reason = "not_cached", .address = "b@example.com"});
  ASSERT_THAT(tally.asked().entries(), SizeIs(1));
  EXPECT_EQ(tally.asked().entries().at("a@example.com").count, 4u);
  EXPECT_EQ(Tally::FromJson(tally.ToJson())->asked().entries().at("a@example.com").count, 4u);
}

TEST(TallyTest, TheAddressThatIsRefusedMostIsFoundAmongManyOthers) {
  Tally tally;
  for (int i = 0; i < 5000; ++i) {
    Count(tally, DecisionWord::kReject, absl::StrCat("once", i, "@example.com"));
    if (i % 10 == 0) Count(tally, DecisionWord::kReject, "often@example.com");
  }
  ASSERT_TRUE(tally.refused().entries().contains("often@example.com"));
  const TopAddresses::Entry& often = tally.refused().entries().at("often@example.com");
  EXPECT_GE(often.count, 500u);
  EXPECT_LE(often.count - often.error, 500u);
}

std::vector<std::string> RepliesOf(const Tally& tally) {
  std::vector<std::string> replies;
  for (const Tally::Sample& sample : tally.reasons().at("no_such_user").samples) replies.push_back(sample.reply);
  return replies;
}

TEST(TallyTest, KeepsTheFirstFewDifferentRepliesOfEachReason) {
  const auto refused = [](Tally& tally, const std::string& reply) {
    tally.Count(
        {.word = DecisionWord::kReject, .reason = "no_such_user", .address = "bad@example.com", .reply = reply});
  };
  static_assert(Tally::kMostSamples == 3);
  Tally tally;
  refused(tally, "550 one");
  for (int i = 0; i < 5; ++i) refused(tally, "550 two");
  EXPECT_THAT(RepliesOf(tally), ElementsAre("550 one", "550 two"));
  refused(tally, "550 three");
  refused(tally, "550 four");
  EXPECT_THAT(RepliesOf(tally), ElementsAre("550 one", "550 two", "550 three"));
  EXPECT_EQ(tally.reasons().at("no_such_user").counts.refused(), 8U);
  Tally sum;
  refused(sum, "550 two");
  sum.Add(tally);
  EXPECT_THAT(RepliesOf(sum), ElementsAre("550 two", "550 one", "550 three"));
}

TEST(TallyTest, WhatAClientWroteIsPrintableInIt) {
  Tally tally;
  Count(tally, DecisionWord::kReject, "a\nb\x01@exa\xffmple.com");
  EXPECT_TRUE(tally.refused().entries().contains("a?b?@exa?mple.com"));
  EXPECT_TRUE(tally.domains().contains("exa?mple.com"));
}

TEST(TallyTest, DifferentAcceptedAddressesAreEstimated) {
  Tally tally;
  Count(tally, DecisionWord::kDunno, "joe@few.example", 1000);
  for (int i = 0; i < 250; ++i) Count(tally, DecisionWord::kDunno, absl::StrCat("u", i, "@many.example"));
  EXPECT_LT(tally.domains().at("few.example").different_accepted(), 2);
  EXPECT_NEAR(tally.domains().at("many.example").different_accepted(), 250, 50);
}

TEST(TallyTest, ASumHasTheNumbersOfBoth) {
  Tally a;
  Tally b;
  Count(a, DecisionWord::kReject, "bad@example.com", 2);
  Count(b, DecisionWord::kReject, "bad@example.com", 3);
  Count(b, DecisionWord::kDunno, "joe@example.net");
  a.Add(b);
  EXPECT_EQ(a.counts().total(), 6u);
  EXPECT_EQ(a.refused().entries().at("bad@example.com").count, 5u);
  EXPECT_EQ(a.domains().at("example.net").counts[DecisionWord::kDunno], 1u);
}

TEST(TallyTest, ShrinkKeepsTheHighestNumbersAndAddsUpTheRest) {
  Tally tally;
  for (int i = 0; i < 20; ++i) Count(tally, DecisionWord::kDunno, absl::StrCat("joe@d", i, ".example"), 2);
  Count(tally, DecisionWord::kReject, "bad@refused.example");
  Count(tally, DecisionWord::kDunno, "joe@busy.example", 100);
  tally.Shrink(4);
  EXPECT_THAT(tally.domains(), SizeIs(5));
  EXPECT_TRUE(tally.domains().contains("refused.example"));
  EXPECT_TRUE(tally.domains().contains("busy.example"));
  uint64_t sum = 0;
  for (const auto& [name, domain] : tally.domains()) sum += domain.counts.total();
  EXPECT_EQ(sum, tally.counts().total());
}

TEST(TallyTest, ComesBackFromJsonAsItWas) {
  Tally tally;
  Count(tally, DecisionWord::kReject, "bad@example.com", 2);
  Count(tally, DecisionWord::kDunno, "joe@example.com");
  const std::string text = boost::json::serialize(tally.ToJson());
  const absl::StatusOr<Tally> back = Tally::FromJson(boost::json::parse(text).get_object());
  ASSERT_THAT(back, IsOk());
  EXPECT_EQ(boost::json::parse(boost::json::serialize(back->ToJson())), boost::json::parse(text));
}

TEST(TallyTest, OtherJsonIsRefusedWithItsFieldNamed) {
  Tally tally;
  Count(tally, DecisionWord::kReject, "bad@example.com");
  boost::json::object object = tally.ToJson();
  object["domains"] = 7;
  EXPECT_THAT(Tally::FromJson(object).status().message(), HasSubstr("\"domains\": expected a list"));
  EXPECT_FALSE(Tally::FromJson({}).ok());
}

TEST(WatchTest, ShareOfRefusalsThatJumpsIsNoticed) {
  Tally before;
  Tally hour;
  Count(before, DecisionWord::kDunno, "joe@example.com", 98);
  Count(before, DecisionWord::kReject, "bad@example.com", 2);
  Count(hour, DecisionWord::kReject, "bad@example.com", 30);
  Count(hour, DecisionWord::kDunno, "joe@example.com", 30);
  EXPECT_THAT(Notices(hour, before, Tally()), Contains(Field(&Notice::about, "example.com")));
  EXPECT_THAT(Notices(before, hour, Tally()), IsEmpty());
}

TEST(WatchTest, FewRefusalsAreNoJump) {
  Tally before;
  Tally hour;
  Count(before, DecisionWord::kDunno, "joe@example.com", 100);
  Count(hour, DecisionWord::kReject, "bad@example.com", static_cast<int>(kJumpRefusals) - 1);
  EXPECT_THAT(Notices(hour, before, Tally()), IsEmpty());
}

TEST(WatchTest, DomainThatOnlyAcceptsIsNoticedUntilItRefuses) {
  Tally week;
  for (int i = 0; i < 400; ++i) Count(week, DecisionWord::kDunno, absl::StrCat("u", i, "@example.com"));
  EXPECT_THAT(Notices(Tally(), Tally(), week), Contains(Field(&Notice::kind, "accepts_all")));
  Count(week, DecisionWord::kReject, "bad@example.com");
  EXPECT_THAT(Notices(Tally(), Tally(), week), IsEmpty());
}

TEST(WatchTest, DeferralsWithoutEndAndFormerUsersAreNoticed) {
  Tally hour;
  hour.Count({.word = DecisionWord::kDefer,
              .reason = "greylisted",
              .domain = "example.com",
              .address = "joe@example.com",
              .when = kNow,
              .accepted_before = true,
              .deferred_since = kNow - absl::Hours(30)});
  const std::vector<Notice> notices = Notices(hour, Tally(), Tally());
  EXPECT_THAT(notices, Contains(Field(&Notice::kind, "accepted_before")));
  EXPECT_THAT(notices, Contains(Field(&Notice::about, "joe@example.com")));
}

}  // namespace
}  // namespace verifyd
