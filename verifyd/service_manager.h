// What a service manager is told and gives: sd_notify(3) and sd_listen_fds(3), without their library. Does nothing
// where there is none.
//
// Thread: any; ListenSockets once, at start.
#ifndef VERIFYD_VERIFYD_SERVICE_MANAGER_H_
#define VERIFYD_VERIFYD_SERVICE_MANAGER_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace verifyd {

// Whether one has started us that waits for what we say (NOTIFY_SOCKET).
bool HasServiceManager();
// "READY=1", "STOPPING=1", "STATUS=...", "WATCHDOG=1"; several lines are allowed.
void NotifyServiceManager(absl::string_view state);
// "RELOADING=1" with the time that goes with it; follow it by READY=1.
void NotifyReloading();
// How often WATCHDOG=1 is to be said; InfiniteDuration: not at all. Half of what the service manager waits.
absl::Duration WatchdogInterval();

struct InheritedSocket {
  int fd;
  std::string name;  // FileDescriptorName=: "control", or a door's
};
// The listening sockets handed over to this process, now close-on-exec. The environment variables are removed.
std::vector<InheritedSocket> TakeInheritedSockets();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SERVICE_MANAGER_H_
