#include "verifyd/thread_priority.h"

#include <gtest/gtest.h>
#include <sched.h>
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

TEST(ThreadPriorityTest, ShortSlicesLeaveNicenessAndSchedulerAlone) {
  std::thread([] {
    GiveWay();
    const int before = Niceness();
    AskForShortSlices();
    EXPECT_EQ(Niceness(), before);
    EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
  }).join();
}

}  // namespace
}  // namespace verifyd
