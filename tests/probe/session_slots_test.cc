#include "probe/session_slots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "tests/test_loop.h"

namespace verifyd {
namespace {

boost::asio::awaitable<void> Take(SessionSlots& slots, SlotClaim claim, char name, std::string& got) {
  co_await slots.Acquire(claim);
  got.push_back(name);
}

class SessionSlotsTest : public testing::Test {
 protected:
  void Ask(SessionSlots& slots, SlotClaim claim, char name) {
    test_.loop().Spawn(Take(slots, std::move(claim), name, got_));
    test_.RunUntilIdle();
  }
  void Ask(SessionSlots& slots, Urgency urgency, char name) { Ask(slots, SlotClaim{.urgency = urgency}, name); }
  // Asks for `count` slots for somebody who waits, at servers of "a.example" and so on, which is also the name.
  void AskAt(SessionSlots& slots, char owner, size_t count = 1) {
    for (size_t i = 0; i < count; ++i) Ask(slots, At(owner), owner);
  }
  static SlotClaim At(char owner) { return {.owner = std::string(1, owner) + ".example"}; }
  void GiveBack(SessionSlots& slots, SlotClaim claim, size_t count = 1) {
    for (size_t i = 0; i < count; ++i) {
      slots.Release(claim);
      test_.RunUntilIdle();
    }
  }
  size_t Got(char name) const { return static_cast<size_t>(std::count(got_.begin(), got_.end(), name)); }

  TestLoop test_;
  std::string got_;
};

TEST_F(SessionSlotsTest, WhoSomebodyWaitsForComesBeforeListsThatCameEarlier) {
  SessionSlots slots(test_.loop(), 1);
  Ask(slots, Urgency::kList, 'a');
  Ask(slots, Urgency::kList, 'b');
  Ask(slots, Urgency::kWaiting, 'c');
  EXPECT_EQ(got_, "a");
  GiveBack(slots, {.urgency = Urgency::kList});
  GiveBack(slots, {});
  EXPECT_EQ(got_, "acb");
}

TEST_F(SessionSlotsTest, IdleConnectionsAreInTheWayOfHalfOfASmallLimitAndOfAThousandOfALargeOne) {
  SessionSlots small(test_.loop(), 4);
  for (int i = 0; i < 2; ++i) Ask(small, Urgency::kWaiting, 's');
  EXPECT_FALSE(small.scarce());
  Ask(small, Urgency::kWaiting, 's');
  EXPECT_TRUE(small.scarce());
  SessionSlots large(test_.loop(), 10000);
  for (size_t i = 0; i < SessionSlots::kManySessions; ++i) Ask(large, Urgency::kWaiting, 'l');
  EXPECT_FALSE(large.scarce());
  Ask(large, Urgency::kWaiting, 'l');
  EXPECT_TRUE(large.scarce());
}

TEST_F(SessionSlotsTest, ListsLeaveSomeFree) {
  SessionSlots slots(test_.loop(), 10);
  for (int i = 0; i < 12; ++i) Ask(slots, Urgency::kRefresh, 'r');
  EXPECT_EQ(got_, "rrrrrrrr");
  Ask(slots, Urgency::kWaiting, 'w');
  EXPECT_EQ(slots.in_use(), 9U);
}

TEST_F(SessionSlotsTest, WhenTheSystemHasNoMoreOthersWaitAndGoOnLater) {
  SessionSlots slots(test_.loop(), 10);
  Ask(slots, Urgency::kWaiting, 'a');
  Ask(slots, Urgency::kWaiting, 'b');
  slots.NoteExhausted();  // the system said it about b
  GiveBack(slots, {});
  Ask(slots, Urgency::kWaiting, 'c');
  EXPECT_EQ(got_, "ab");
  test_.Advance(SessionSlots::kExhaustion);
  EXPECT_EQ(got_, "abc");
}

TEST_F(SessionSlotsTest, AZoneWithAThousandNamesTakesHalfAndOthersComeAtOnce) {
  SessionSlots slots(test_.loop(), 1000);
  AskAt(slots, 'e', 2000);
  EXPECT_EQ(Got('e'), 500U);
  AskAt(slots, 'i', 100);
  EXPECT_EQ(Got('i'), 100U);
  AskAt(slots, 'j', 10);
  EXPECT_EQ(Got('j'), 10U);
  EXPECT_FALSE(slots.pressed());
  // It gets back the slots it released only where less than half is taken, or it has less than its share.
  GiveBack(slots, At('e'), 111);
  EXPECT_EQ(Got('e'), 501U);
  EXPECT_EQ(slots.in_use(), 500U);
}

TEST_F(SessionSlotsTest, WhoWaitedBeyondItsShareGoesOnWhenItHasLess) {
  SessionSlots slots(test_.loop(), 1000);
  AskAt(slots, 'e', 600);
  for (const char other : {'a', 'b', 'c', 'd'}) AskAt(slots, other, 100);
  EXPECT_EQ(slots.in_use(), 900U);
  GiveBack(slots, At('e'), 400);
  EXPECT_EQ(Got('e'), 500U);
  for (const char other : {'f', 'g', 'h', 'i'}) AskAt(slots, other, 100);
  EXPECT_EQ(slots.in_use(), 900U);
  GiveBack(slots, At('e'), 10);
  EXPECT_EQ(Got('e'), 510U) << "a slot for each that it gave back";
}

TEST_F(SessionSlotsTest, WhoHasLessWhileTheReserveIsInUseGoesOnAsSoonAsThereIsRoom) {
  SessionSlots slots(test_.loop(), 100);
  AskAt(slots, 'e', 22);
  const SlotClaim own = {.own = true, .owner = "own.example"};
  for (int i = 0; i < 78; ++i) Ask(slots, own, 'o');
  AskAt(slots, 'e', 5);
  GiveBack(slots, At('e'), 3);
  EXPECT_EQ(Got('e'), 22U);
  GiveBack(slots, own, 10);
  EXPECT_EQ(Got('e'), 23U);
}

TEST_F(SessionSlotsTest, ATenthIsKeptForTheOperatorsOwn) {
  SessionSlots slots(test_.loop(), 1000);
  for (char owner = 'a'; owner < 'a' + 12; ++owner) AskAt(slots, owner, 100);
  EXPECT_EQ(slots.in_use(), 900U);
  EXPECT_TRUE(slots.pressed());
  for (int i = 0; i < 120; ++i) Ask(slots, {.own = true, .owner = "[mx.ours.example]:25"}, 'O');
  EXPECT_EQ(Got('O'), 100U);
  GiveBack(slots, At('a'));
  EXPECT_EQ(Got('O'), 101U) << "and comes first";
}

TEST_F(SessionSlotsTest, OwnersTakeTurnsWhereAllWait) {
  SessionSlots slots(test_.loop(), 1);
  AskAt(slots, 'x');
  AskAt(slots, 'a', 3);
  AskAt(slots, 'b', 2);
  for (const char has : {'x', 'a', 'b', 'a', 'b'}) GiveBack(slots, At(has));
  EXPECT_EQ(got_, "xababa");
}

TEST_F(SessionSlotsTest, WhoWasCalledTogetherWithOthersOfItsOwnerStillKeepsToItsShare) {
  SessionSlots slots(test_.loop(), 100);
  for (const char owner : {'a', 'b', 'c', 'd'}) AskAt(slots, owner, 20);
  AskAt(slots, 'f', 10);
  EXPECT_EQ(slots.in_use(), 90U);
  AskAt(slots, 'e', 30);  // e has no slot; all of these wait
  EXPECT_EQ(Got('e'), 0U);
  for (int i = 0; i < 25; ++i) slots.Release(At(i < 20 ? 'a' : 'b'));
  test_.RunUntilIdle();
  EXPECT_EQ(Got('e'), 20U);
  AskAt(slots, 'i', 5);
  EXPECT_EQ(Got('i'), 5U);
}

TEST_F(SessionSlotsTest, AHigherLimitLetsThoseInWhoWait) {
  SessionSlots slots(test_.loop(), 1);
  AskAt(slots, 'a', 3);
  slots.SetLimit(2);
  test_.RunUntilIdle();
  EXPECT_EQ(got_, "aa");
}

}  // namespace
}  // namespace verifyd
