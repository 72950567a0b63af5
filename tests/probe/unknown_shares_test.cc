#include "probe/unknown_shares.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

constexpr uint64_t kHarvester = 7;
constexpr uint64_t kInnocent = 8;
constexpr uint64_t kNobody = 0;

class UnknownSharesTest : public testing::Test {
 protected:
  void Note(uint64_t asker, int unknown, int known = 0, absl::string_view domain = "example.com") {
    for (int i = 0; i < unknown; ++i) shares_.Note("mx.example.com", domain, asker, true, now_);
    for (int i = 0; i < known; ++i) shares_.Note("mx.example.com", domain, asker, false, now_);
  }
  bool Over(uint64_t asker, absl::string_view domain = "example.com") {
    return shares_.OverBudget(domain, asker, {.number = 200, .percent = 50}, now_) != nullptr;
  }

  UnknownShares shares_;
  MonoTime now_ = MonoTime() + absl::Hours(5);
};

TEST_F(UnknownSharesTest, WhoAskedForAQuarterInVainIsOverBudgetHimselfForTheHour) {
  Note(kHarvester, 49);
  EXPECT_FALSE(Over(kHarvester));
  Note(kHarvester, 1);
  EXPECT_TRUE(Over(kHarvester));
  now_ = now_ + UnknownShare::kWindow;
  EXPECT_FALSE(Over(kHarvester));
}

TEST_F(UnknownSharesTest, WhatOneUsesUpDoesNotCountAgainstOthers) {
  Note(kHarvester, 500);
  EXPECT_FALSE(Over(kInnocent));
  EXPECT_FALSE(Over(kNobody));
  Note(kInnocent, 1, 9);
  EXPECT_FALSE(Over(kInnocent)) << "he mostly asks for real users";
}

TEST_F(UnknownSharesTest, HundredsOfClientsHoldUpThemselvesAndNobodyElse) {
  for (uint64_t client = 100; client < 300; ++client) Note(client, 1);
  EXPECT_TRUE(Over(100));
  EXPECT_FALSE(Over(kInnocent));
}

TEST_F(UnknownSharesTest, ADomainsBudgetIsItsOwnWhoseverServersItHas) {
  Note(kHarvester, 500);
  EXPECT_FALSE(Over(kHarvester, "example.org"));
}

TEST_F(UnknownSharesTest, WhoAsksForRealUsersTooIsNotOver) {
  Note(kHarvester, 100, 101);
  EXPECT_FALSE(Over(kHarvester));
}

TEST_F(UnknownSharesTest, QuestionsOfNobodyMayUseUpTheWholeNumber) {
  Note(kNobody, 199);
  EXPECT_FALSE(Over(kNobody));
  Note(kNobody, 1);
  EXPECT_TRUE(Over(kNobody));
  EXPECT_FALSE(Over(kInnocent));
}

TEST_F(UnknownSharesTest, ADestinationsDomainsAreForgottenWithIt) {
  Note(kHarvester, 500);
  shares_.ForgetDestination("mx.example.org");
  EXPECT_TRUE(Over(kHarvester));
  shares_.ForgetDestination("mx.example.com");
  EXPECT_FALSE(Over(kHarvester));
}

TEST_F(UnknownSharesTest, ManyDomainsDoNotGiveAHarvesterHisBudgetBack) {
  Note(kHarvester, 50);
  for (size_t i = 0; i < 3 * UnknownShares::kMost; ++i) Note(kHarvester, 1, 0, absl::StrCat("n", i, ".example"));
  EXPECT_TRUE(Over(kHarvester));
}

TEST_F(UnknownSharesTest, ZeroIsNoBudget) {
  Note(kHarvester, 500);
  EXPECT_EQ(shares_.OverBudget("example.com", kHarvester, {}, now_), nullptr);
}

}  // namespace
}  // namespace verifyd
