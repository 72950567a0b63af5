#include "probe/session_slots.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/test_loop.h"

namespace verifyd {
namespace {

boost::asio::awaitable<void> Take(SessionSlots& slots, Urgency urgency, char name, std::string& got) {
  co_await slots.Acquire(urgency);
  got.push_back(name);
}

class SessionSlotsTest : public testing::Test {
 protected:
  void Ask(SessionSlots& slots, Urgency urgency, char name) {
    test_.loop().Spawn(Take(slots, urgency, name, got_));
    test_.RunUntilIdle();
  }
  TestLoop test_;
  std::string got_;
};

TEST_F(SessionSlotsTest, WhoSomebodyWaitsForComesBeforeListsThatCameEarlier) {
  SessionSlots slots(test_.loop(), 1);
  Ask(slots, Urgency::kList, 'a');
  Ask(slots, Urgency::kList, 'b');
  Ask(slots, Urgency::kWaiting, 'c');
  EXPECT_EQ(got_, "a");
  slots.Release();
  test_.RunUntilIdle();
  slots.Release();
  test_.RunUntilIdle();
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
  EXPECT_EQ(got_, "rrrrrrrrr");
  Ask(slots, Urgency::kWaiting, 'w');
  EXPECT_EQ(slots.in_use(), 10U);
}

TEST_F(SessionSlotsTest, WhenTheSystemHasNoMoreOthersWaitAndGoOnLater) {
  SessionSlots slots(test_.loop(), 10);
  Ask(slots, Urgency::kWaiting, 'a');
  Ask(slots, Urgency::kWaiting, 'b');
  slots.NoteExhausted();  // said of b
  slots.Release();
  Ask(slots, Urgency::kWaiting, 'c');
  EXPECT_EQ(got_, "ab");
  test_.Advance(SessionSlots::kExhaustion);
  EXPECT_EQ(got_, "abc");
}

}  // namespace
}  // namespace verifyd
