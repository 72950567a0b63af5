#include "verifyd/restriction/restriction_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "tests/status_matchers.h"

namespace verifyd {
namespace {

class RestrictionListTest : public testing::Test {
 protected:
  static std::vector<std::string> Items(absl::string_view text) {
    std::vector<std::string> items;
    for (const absl::string_view item : SplitList(text)) items.emplace_back(item);
    return items;
  }
  absl::StatusOr<std::shared_ptr<const RestrictionList>> Read(absl::string_view text) {
    RestrictionReader reader([this](absl::string_view name) -> absl::StatusOr<std::vector<std::string>> {
      if (name == "strict") return Items(strict_);
      if (name == "other") return Items("strict");
      return absl::NotFoundError("no class");
    });
    return reader.Read(Items(text));
  }

  std::string strict_ = "reject";
};

TEST_F(RestrictionListTest, NamesHaveTheirArgumentsBehindThem) {
  const auto list = Read("warn_if_reject, Reject_Unverified_Sender reject_rbl_client bl.test=127.0.0.2, strict permit");
  ASSERT_THAT(list, IsOk());
  const std::vector<Restriction>& read = (*list)->restrictions;
  ASSERT_EQ(read.size(), 4U);
  EXPECT_TRUE(read[0].warn_if_reject);
  EXPECT_EQ(read[0].kind, RestrictionKind::kRejectUnverifiedSender);
  EXPECT_FALSE(read[1].warn_if_reject);
  EXPECT_EQ(read[1].blocklist->zone, "bl.test");
  EXPECT_EQ(read[2].list->name, "strict");
  EXPECT_EQ(read[3].kind, RestrictionKind::kPermit);
}

TEST_F(RestrictionListTest, ARateLimitHasKeyCountPeriodAndAction) {
  const auto list = Read("rate_limit { recipient_domain/100/1h/DEFER 4.7.1 slowly }");
  ASSERT_THAT(list, IsOk());
  const RateLimit& rate = *(*list)->restrictions[0].rate;
  EXPECT_EQ(rate.key, RateKey::kRecipientDomain);
  EXPECT_EQ(rate.count, 100);
  EXPECT_EQ(rate.period, absl::Hours(1));
  EXPECT_EQ(rate.action->restrictions[0].kind, RestrictionKind::kDefer);
  EXPECT_EQ(rate.action->restrictions[0].said.text, "slowly");
}

TEST_F(RestrictionListTest, ErrorsNameWhatWasFoundAndWhatWasExpected) {
  EXPECT_THAT(Read("permitt"),
              FailsWith("unknown restriction \"permitt\", expected warn_if_reject, a class, or one of"));
  EXPECT_THAT(Read("reject, warn_if_reject"), FailsWith("warn_if_reject stands last"));
  EXPECT_THAT(Read("check_sender_access"), FailsWith("check_sender_access stands last; expected a table behind it"));
  EXPECT_THAT(Read("check_sender_access nonsense"), FailsWith("nonsense"));
  EXPECT_THAT(Read("reject_rbl_client bl.test=1.2.3"), FailsWith("expected four octets"));
  EXPECT_THAT(Read("reject_rbl_client a..b"), FailsWith("expected the zone of a blocklist"));
  EXPECT_THAT(Read("rate_limit nobody/1/1h/reject"), FailsWith("KEY one of sasl_username"));
  EXPECT_THAT(Read("rate_limit client_address/1/0/reject"), FailsWith("at least a second"));
  EXPECT_THAT(Read("rate_limit client_address/1/1h/refuse"), FailsWith("unknown restriction \"refuse\""));
}

TEST_F(RestrictionListTest, AClassThatContainsItselfIsRefused) {
  strict_ = "permit_mynetworks, other";
  EXPECT_THAT(Read("strict"), FailsWith("class strict, which has other, which has strict"));
  strict_ = "check_sender_access inline:{ {example.com = strict} }";
  EXPECT_THAT(Read("strict"), FailsWith("expected classes that do not contain themselves"));
}

TEST_F(RestrictionListTest, AnEntryOfATableThatMeansNothingIsRefused) {
  EXPECT_THAT(Read("check_sender_access inline:{ {example.com = rejectt} }"),
              FailsWith("unknown restriction \"rejectt\""));
}

}  // namespace
}  // namespace verifyd
