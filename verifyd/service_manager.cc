#include "verifyd/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace verifyd {
namespace {

constexpr int kFirstInherited = 3;  // SD_LISTEN_FDS_START

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

bool HasServiceManager() { return !Environment("NOTIFY_SOCKET").empty(); }

void NotifyServiceManager(absl::string_view state) {
  const std::string path = Environment("NOTIFY_SOCKET");
  sockaddr_un address = {};
  if (path.empty() || path.size() >= sizeof(address.sun_path)) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path[0] == '@') address.sun_path[0] = '\0';  // the abstract name space
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  sendto(fd, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&address), length);
  close(fd);
}

void NotifyReloading() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  NotifyServiceManager(
      absl::StrCat("RELOADING=1\nMONOTONIC_USEC=", static_cast<int64_t>(now.tv_sec) * 1000000 + now.tv_nsec / 1000));
}

absl::Duration WatchdogInterval() {
  int64_t microseconds = 0;
  int64_t pid = 0;
  if (!absl::SimpleAtoi(Environment("WATCHDOG_USEC"), &microseconds) || microseconds <= 0) {
    return absl::InfiniteDuration();
  }
  if (absl::SimpleAtoi(Environment("WATCHDOG_PID"), &pid) && pid != getpid()) return absl::InfiniteDuration();
  return absl::Microseconds(microseconds) / 2;
}

std::vector<InheritedSocket> TakeInheritedSockets() {
  std::vector<InheritedSocket> sockets;
  int64_t pid = 0;
  int count = 0;
  const std::string names = Environment("LISTEN_FDNAMES");
  const bool ours = absl::SimpleAtoi(Environment("LISTEN_PID"), &pid) && pid == getpid() &&
                    absl::SimpleAtoi(Environment("LISTEN_FDS"), &count);
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(name);
  if (!ours) return sockets;
  const std::vector<std::string> each = absl::StrSplit(names, ':');
  for (int i = 0; i < count && i < 1000; ++i) {
    const int fd = kFirstInherited + i;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    sockets.push_back({fd, static_cast<size_t>(i) < each.size() ? each[i] : ""});
  }
  return sockets;
}

}  // namespace verifyd
