#include "classifier/reason.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "mail/event.h"

namespace verifyd {
namespace {

TEST(ReasonTest, EveryReasonHasARowAndANameOfItsOwn) {
  std::set<std::string> names;
  for (uint8_t i = 1; i < kReasonCount; ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_EQ(RowOf(reason).reason, reason);
    const absl::string_view name = ReasonName(reason);
    EXPECT_TRUE(names.insert(std::string(name)).second) << name;
    EXPECT_EQ(ReasonFromName(name), reason);
  }
}

TEST(ReasonTest, NoneHasANameButIsNoReason) {
  EXPECT_EQ(ReasonName(Reason::kNone), "none");
  EXPECT_EQ(ReasonFromName("none"), std::nullopt);
  EXPECT_EQ(ReasonFromName("no_such_reason"), std::nullopt);
}

TEST(ReasonTest, OnlyAnAddressOrItsDomainCanMakeItUndeliverable) {
  for (uint8_t i = 1; i < kReasonCount; ++i) {
    const ReasonRow& row = RowOf(static_cast<Reason>(i));
    if (row.deliverability == Deliverability::kUndeliverable) {
      EXPECT_TRUE(row.scope == Scope::kAddress || row.scope == Scope::kDomain) << row.name;
    } else {
      EXPECT_NE(row.inbound, DefaultDecision::kReject) << row.name;
      EXPECT_NE(row.sender, DefaultDecision::kReject) << row.name;
      EXPECT_NE(row.outbound, DefaultDecision::kReject) << row.name;
    }
  }
}

TEST(ReasonTest, ATimeOutIsNamedAfterItsStage) {
  EXPECT_EQ(ReasonOf(Event::kTimeout, Stage::kDns), Reason::kDnsTimeout);
  EXPECT_EQ(ReasonOf(Event::kTimeout, Stage::kConnect), Reason::kConnectTimeout);
  EXPECT_EQ(ReasonOf(Event::kTimeout, Stage::kBanner), Reason::kBannerTimeout);
  EXPECT_EQ(ReasonOf(Event::kTimeout, Stage::kEhlo), Reason::kEhloTimeout);
  EXPECT_EQ(ReasonOf(Event::kTimeout, Stage::kMail), Reason::kMailTimeout);
  EXPECT_EQ(ReasonOf(Event::kDeadline, Stage::kRcpt), Reason::kRcptTimeout);
}

TEST(ReasonTest, EveryEventHasAReasonAndANameOfItsOwn) {
  std::set<std::string> names;
  for (uint8_t i = 1; i <= static_cast<uint8_t>(Event::kDeadline); ++i) {
    const auto event = static_cast<Event>(i);
    EXPECT_TRUE(names.insert(std::string(EventName(event))).second) << EventName(event);
    for (uint8_t stage = 0; stage <= static_cast<uint8_t>(Stage::kQuit); ++stage) {
      EXPECT_NE(ReasonOf(event, static_cast<Stage>(stage)), Reason::kNone) << EventName(event);
    }
  }
}

}  // namespace
}  // namespace verifyd
