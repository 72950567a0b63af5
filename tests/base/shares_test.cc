#include "base/shares.h"

#include <gtest/gtest.h>

namespace verifyd {
namespace {

constexpr Shares::Party kGreedy = 1;
constexpr Shares::Party kOther = 2;

class SharesTest : public testing::Test {
 protected:
  // Returns how many of the wanted places it gets.
  size_t Take(Shares::Party party, bool ours, size_t wanted) {
    size_t got = 0;
    for (; got < wanted && shares_.MayTake(party, ours); ++got) shares_.Take(party);
    return got;
  }

  Shares shares_{100};
};

TEST_F(SharesTest, WhileHalfIsFreeEverybodyTakesWhatHeWants) { EXPECT_EQ(Take(kGreedy, /*ours=*/false, 50), 50U); }

TEST_F(SharesTest, ThenWhoHasATenthGetsNoMore) {
  EXPECT_EQ(Take(kGreedy, /*ours=*/false, 1000), 50U);
  EXPECT_EQ(Take(kOther, /*ours=*/false, 1000), 10U);
  for (int i = 0; i < 41; ++i) shares_.GiveBack(kGreedy);
  EXPECT_TRUE(shares_.MayTake(kGreedy, /*ours=*/false)) << "there is room again";
}

TEST_F(SharesTest, ManyStrangersLeaveAFifthToOurOwn) {
  for (Shares::Party party = 10; party < 1000; ++party) Take(party, /*ours=*/false, 1);
  EXPECT_EQ(shares_.taken(), 80U);
  EXPECT_FALSE(shares_.StrangersMayTake());
  EXPECT_EQ(Take(kOther, /*ours=*/true, 1000), 20U);
}

TEST_F(SharesTest, OneOfOurOwnLeavesHalfToTheOthers) {
  EXPECT_EQ(Take(kGreedy, /*ours=*/true, 1000), 50U);
  EXPECT_EQ(Take(kOther, /*ours=*/true, 1000), 50U);
}

TEST_F(SharesTest, OfAFewPlacesThereIsNothingToShareOut) {
  shares_.SetPlaces(3);
  EXPECT_EQ(Take(kGreedy, /*ours=*/false, 1000), 3U);
}

TEST_F(SharesTest, WhatIsGivenBackIsNotRemembered) {
  Take(kGreedy, /*ours=*/false, 20);
  for (int i = 0; i < 20; ++i) shares_.GiveBack(kGreedy);
  EXPECT_EQ(shares_.taken(), 0U);
  EXPECT_EQ(shares_.TakenBy(kGreedy), 0U);
}

}  // namespace
}  // namespace verifyd
