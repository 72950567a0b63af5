#include "verifyd/thread_priority.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace verifyd {
namespace {

int Niceness() { return getpriority(PRIO_PROCESS, 0); }

TEST(ThreadPriorityTest, OnlyTheThreadThatGivesWayIsNicer) {
  const int before = Niceness();
  int nicer = 0;
  std::thread([&] {
    GiveWay();
    nicer = Niceness();
  }).join();
  EXPECT_EQ(nicer, std::min(before + 5, 19));
  EXPECT_EQ(Niceness(), before);
}

}  // namespace
}  // namespace verifyd
