#include "base/loop_bound.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mailbox.h"
#include "base/signal.h"

namespace verifyd {
namespace {

// Calls `use` on this thread while another one runs the loop.
void UseFromOutside(Loop& loop, const std::function<void()>& use) {
  std::thread runner([&loop] { loop.Run(); });
  while (loop.IsHere()) std::this_thread::yield();
  use();
  loop.Stop();
  runner.join();
}

class LoopBoundTest : public testing::Test {
 protected:
  LoopBoundTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }

  ManualClock clock_;
  Loop loop_{clock_};
  const LoopBound bound_{loop_};
};

TEST_F(LoopBoundTest, ACallFromAnotherThreadEndsADebugBuildAndNamesTheCaller) {
  if (LoopBound::kChecks) {
    EXPECT_DEATH(UseFromOutside(loop_, [this] { bound_.Check("Prober::Hold", "prober.cc"); }),
                 "a bug: Prober::Hold .prober.cc. was called outside of its loop's thread");
  } else {
    UseFromOutside(loop_, [this] { bound_.Check(); });
  }
}

TEST_F(LoopBoundTest, ASignalThatIsNotifiedFromAnotherThreadIsFound) {
  Signal signal(loop_);
  if (LoopBound::kChecks) {
    EXPECT_DEATH(UseFromOutside(loop_, [&] { signal.NotifyAll(); }), "NotifyAll .*signal.cc. was called outside");
  }
}

TEST_F(LoopBoundTest, TheThreadThatRunsTheLoopMayUseWhatBelongsToIt) {
  int used = 0;
  loop_.Post([&] {
    bound_.Check();
    ++used;
    loop_.Stop();
  });
  std::thread([this] { loop_.Run(); }).join();
  EXPECT_EQ(used, 1);
}

TEST_F(LoopBoundTest, BeforeTheLoopRunsAndAfterwardsAnyThreadMayUseIt) {
  bound_.Check();
  loop_.Post([this] { loop_.Stop(); });
  std::thread([this] { loop_.Run(); }).join();
  bound_.Check();
  EXPECT_TRUE(loop_.IsHere());
}

}  // namespace
}  // namespace verifyd
