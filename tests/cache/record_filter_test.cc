#include "cache/record_filter.h"

#include <gtest/gtest.h>

#include "tests/cache/samples.h"

namespace verifyd {
namespace {

class RecordFilterTest : public testing::Test {
 protected:
  bool Matches(const RecordFilter& filter) const { return filter.Matches("joe@example.com", record_, now_); }

  Record record_ = PositiveRecord(SampleTime());
  absl::Time now_ = SampleTime() + absl::Hours(2);
};

TEST_F(RecordFilterTest, AnEmptyOneTakesEveryRecord) {
  EXPECT_TRUE(RecordFilter().empty());
  EXPECT_TRUE(Matches({}));
}

TEST_F(RecordFilterTest, ADomainIsThatDomainAndWithADotWhatIsBelowIt) {
  EXPECT_TRUE(Matches({.domain = "example.com"}));
  EXPECT_FALSE(Matches({.domain = ".example.com"}));
  EXPECT_TRUE(Matches({.domain = ".com"}));
  EXPECT_FALSE(Matches({.domain = "ample.com"}));
}

TEST_F(RecordFilterTest, TheDomainOfAnAddressIsBehindItsLastAt) {
  EXPECT_TRUE(RecordFilter{.domain = "b.test"}.Matches("x@a.test@b.test", record_, now_));
  EXPECT_FALSE(RecordFilter{.domain = "a.test"}.Matches("x@a.test@b.test", record_, now_));
}

TEST_F(RecordFilterTest, StatusReasonAndMxAreThoseOfTheStandingFinding) {
  record_.pending = NegativeFinding(SampleTime());
  EXPECT_TRUE(Matches({.deliverability = Deliverability::kDeliverable, .reason = Reason::kAccepted}));
  EXPECT_FALSE(Matches({.deliverability = Deliverability::kUndeliverable}));
  EXPECT_FALSE(Matches({.reason = Reason::kNoSuchUser}));
  EXPECT_TRUE(Matches({.mx = "MX.example.com"}));
  EXPECT_TRUE(Matches({.mx = ".example.com"}));
  EXPECT_FALSE(Matches({.mx = "mx.example.org"}));
}

TEST_F(RecordFilterTest, TheAgeIsThatOfTheLastConfirmation) {
  EXPECT_TRUE(Matches({.older = absl::Hours(2)}));
  EXPECT_FALSE(Matches({.older = absl::Hours(3)}));
  EXPECT_TRUE(Matches({.newer = absl::Hours(3)}));
  EXPECT_FALSE(Matches({.newer = absl::Hours(2)}));
}

TEST_F(RecordFilterTest, TheLogSaysWhatWasAskedFor) {
  EXPECT_EQ(RecordFilter().Text(), "");
  EXPECT_EQ((RecordFilter{.domain = ".example.com",
                          .deliverability = Deliverability::kUndeliverable,
                          .reason = Reason::kNoSuchUser,
                          .mx = "mx\n.test",
                          .older = absl::Hours(1)})
                .Text(),
            "domain=.example.com status=undeliverable reason=no_such_user mx=mx?.test older=1h");
}

TEST_F(RecordFilterTest, AllThatIsSetMustHold) {
  EXPECT_FALSE(Matches({.domain = "example.com", .reason = Reason::kNoSuchUser}));
}

}  // namespace
}  // namespace verifyd
