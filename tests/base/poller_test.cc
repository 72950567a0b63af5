#include "base/poller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

#include "tests/test_loop.h"

namespace verifyd {
namespace {

class Pair {
 public:
  Pair() { socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()); }
  ~Pair() {
    close(ours());
    Hang();
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  int ours() const { return ends_[0]; }
  void Say() { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  void Take() {
    char byte = 0;
    EXPECT_EQ(read(ours(), &byte, 1), 1);
  }
  void Hang() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_ = {-1, -1};
};

class PollerTest : public testing::Test {
 protected:
  void Watch(Pair& pair, Poller::For before, Poller::For what) { poller_->Watch(pair.ours(), &pair, before, what); }

  TestLoop test_;
  std::vector<void*> ready_;
  int rounds_ = 0;
  std::unique_ptr<Poller> poller_ = std::make_unique<Poller>(
      test_.loop(),
      [this](void* owner) {
        ready_.push_back(owner);
        static_cast<Pair*>(owner)->Take();
      },
      [this] { ++rounds_; });
};

TEST_F(PollerTest, TellsOfAllThatAreReadyInOneRound) {
  Pair first;
  Pair second;
  Pair quiet;
  for (Pair* pair : {&first, &second, &quiet}) Watch(*pair, Poller::For::kNothing, Poller::For::kReading);
  test_.RunUntilIdle();
  EXPECT_TRUE(ready_.empty());
  first.Say();
  second.Say();
  test_.RunUntilIdle();
  EXPECT_THAT(ready_, testing::UnorderedElementsAre(&first, &second));
  EXPECT_EQ(rounds_, 1);
  first.Say();
  test_.RunUntilIdle();
  EXPECT_EQ(ready_.size(), 3U);
}

TEST_F(PollerTest, WhatWasNotTakenIsToldAgain) {
  Pair pair;
  Watch(pair, Poller::For::kNothing, Poller::For::kReading);
  pair.Say();
  pair.Say();
  test_.RunUntilIdle();
  EXPECT_EQ(ready_.size(), 2U);
}

TEST_F(PollerTest, ASocketThatIsNotWatchedSaysNothingEvenWhenItIsHungUp) {
  Pair pair;
  Watch(pair, Poller::For::kNothing, Poller::For::kReading);
  Watch(pair, Poller::For::kReading, Poller::For::kNothing);
  pair.Say();
  pair.Hang();
  test_.RunUntilIdle();
  EXPECT_TRUE(ready_.empty());
}

TEST_F(PollerTest, NothingIsToldAfterItsEnd) {
  Pair pair;
  Watch(pair, Poller::For::kNothing, Poller::For::kReading);
  pair.Say();
  poller_.reset();
  test_.RunUntilIdle();
  EXPECT_TRUE(ready_.empty());
}

}  // namespace
}  // namespace verifyd
