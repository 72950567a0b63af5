#include "base/mailbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "tests/test_loop.h"

namespace verifyd {
namespace {

TEST(MailboxTest, WorkOfOtherThreadsIsDoneInTheOrderInWhichItWasPosted) {
  TestLoop test;
  Mailbox mailbox(test.loop());
  constexpr int kPieces = 1000;
  std::vector<int> done;
  std::thread other([&] {
    for (int i = 0; i < kPieces; ++i) mailbox.Post([&done, i] { done.push_back(i); });
  });
  other.join();
  test.RunUntilIdle();
  ASSERT_EQ(done.size(), size_t{kPieces});
  for (int i = 0; i < kPieces; ++i) EXPECT_EQ(done[static_cast<size_t>(i)], i);
}

TEST(MailboxTest, MuchWorkLeavesOthersTheirTurn) {
  TestLoop test;
  Mailbox mailbox(test.loop());
  size_t done = 0;
  size_t done_before = 0;
  for (size_t i = 0; i < 3 * Mailbox::kTogether; ++i) mailbox.Post([&] { ++done; });
  test.loop().Post([&] { done_before = done; });
  test.RunUntilIdle();
  EXPECT_EQ(done_before, Mailbox::kTogether);
  EXPECT_EQ(done, 3 * Mailbox::kTogether);
}

TEST(MailboxTest, WorkThatTakesLongLeavesOthersTheirTurnSooner) {
  TestLoop test;
  Mailbox mailbox(test.loop());
  int done = 0;
  int done_before = 0;
  for (int i = 0; i < 10; ++i) {
    mailbox.Post([&] {
      ++done;
      test.clock().AdvanceTo(test.clock().Mono() + Loop::kUrgentInterval * 0.6);
    });
  }
  test.loop().Post([&] { done_before = done; });
  test.RunUntilIdle();
  EXPECT_EQ(done_before, 2);
  EXPECT_EQ(done, 10);
}

TEST(MailboxTest, ItKnowsWhatItsLoopHasNotComeToYet) {
  TestLoop test;
  Mailbox mailbox(test.loop());
  std::vector<size_t> waiting;
  const auto look = [&] { waiting.push_back(mailbox.waiting()); };
  mailbox.Post([&] {
    mailbox.Post(look);
    look();
  });
  mailbox.Post(look);
  look();
  test.RunUntilIdle();
  EXPECT_EQ(waiting, (std::vector<size_t>{2, 2, 1, 0}));
}

TEST(MailboxTest, WorkThatPostsMoreDoesNotWaitForItself) {
  TestLoop test;
  Mailbox mailbox(test.loop());
  int done = 0;
  mailbox.Post([&] {
    ++done;
    mailbox.Post([&] { ++done; });
  });
  test.RunUntilIdle();
  EXPECT_EQ(done, 2);
}

TEST(MailboxTest, WhatALoopNeverCameToGoesWithItAlthoughItOwnsTheMailbox) {
  std::weak_ptr<Mailbox> watched;
  {
    TestLoop test;
    const auto mailbox = std::make_shared<Mailbox>(test.loop());
    watched = mailbox;
    // Some pieces are done, some are left when the loop gives others their turn, one is posted after that.
    for (size_t i = 0; i < Mailbox::kTogether + 2; ++i) mailbox->Post([mailbox] {});
    test.loop().context().run_one();
    mailbox->Post([mailbox] {});
  }
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace verifyd
