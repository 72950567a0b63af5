// Talks with a service manager as sd_notify(3) and sd_listen_fds(3) do, without their library. Does nothing where there
// is none.
//
// Thread: any; TakeInheritedSockets once, at start.
#ifndef VERIFYD_VERIFYD_SERVICE_MANAGER_H_
#define VERIFYD_VERIFYD_SERVICE_MANAGER_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace verifyd {

// True where a service manager has started us and waits for our notices (NOTIFY_SOCKET).
bool HasServiceManager();
// `state` is "READY=1", "STOPPING=1", "STATUS=...", "WATCHDOG=1"; several lines are allowed.
void NotifyServiceManager(absl::string_view state);
// Says "RELOADING=1" with the time that goes with it; follow it by READY=1.
void NotifyReloading();
// Returns how often to say WATCHDOG=1: half of the service manager's wait. InfiniteDuration: not at all.
absl::Duration WatchdogInterval();

struct InheritedSocket {
  int fd;
  std::string name;  // FileDescriptorName=: "control", or a door's
};
// Returns the listening sockets handed over to this process, now close-on-exec. Removes the environment variables.
std::vector<InheritedSocket> TakeInheritedSockets();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SERVICE_MANAGER_H_
