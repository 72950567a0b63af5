#include "verifyd/thread_priority.h"

#include <sys/resource.h>

namespace verifyd {
namespace {

constexpr int kProbeNiceness = 5;

}  // namespace

void GiveWay() {
  // Linux counts this for the thread alone, on top of what the administrator has set for the daemon.
  static_cast<void>(setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + kProbeNiceness));
}

}  // namespace verifyd
