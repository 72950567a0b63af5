#ifndef VERIFYD_TESTS_VERIFYD_CALLER_H_
#define VERIFYD_TESTS_VERIFYD_CALLER_H_

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"

namespace verifyd {

// The client's end of a connection to a door at a UNIX socket.
class Caller {
 public:
  explicit Caller(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Caller() { close(fd_); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void Send(absl::string_view bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void SaysNoMore() { shutdown(fd_, SHUT_WR); }
  // Returns what has come by now, with a '#' for the end.
  std::string Receive() {
    std::array<char, 65536> bytes;
    std::string received;
    for (;;) {
      const ssize_t count = recv(fd_, bytes.data(), bytes.size(), 0);
      if (count <= 0) return received + (count == 0 ? "#" : "");
      received.append(bytes.data(), static_cast<size_t>(count));
    }
  }

 private:
  const int fd_;
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_VERIFYD_CALLER_H_
