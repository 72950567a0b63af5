#include "verifyd/thread_priority.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace verifyd {
namespace {

constexpr int kProbeNiceness = 5;
constexpr uint64_t kShortSlice = 100000;  // nanoseconds; the least that Linux takes

// As the kernel has it in its first version; the C library of Debian 12 does not.
struct SchedulingAttributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

}  // namespace

void GiveWay() {
  // Of the thread alone, in Linux; beside what the administrator has set for the daemon.
  static_cast<void>(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + kProbeNiceness));
}

void AskForShortSlices() {
  if (sched_getscheduler(0) != SCHED_OTHER) return;  // as the administrator has wanted it
  SchedulingAttributes attributes = {};
  attributes.size = sizeof(attributes);
  attributes.policy = SCHED_OTHER;
  attributes.nice = getpriority(PRIO_PROCESS, 0);
  attributes.runtime = kShortSlice;
  static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

}  // namespace verifyd
