// A listener: one listening socket of a door, opened by us or handed over by systemd.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_LISTENER_H_
#define VERIFYD_VERIFYD_DOOR_LISTENER_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/loop.h"

namespace verifyd {

// inet:HOST:PORT or, as Sendmail writes it, inet:PORT@HOST (HOST an address, or localhost; IPv6 in brackets or not
// where it stands last); unix:PATH or local:PATH. In braces options may follow, for UNIX: { unix:PATH, mode=0660,
// owner=USER, group=GROUP }.
struct ListenAddress {
  std::string host;
  uint16_t port = 0;
  std::string path;  // not empty: UNIX
  // Postfix runs as another user: who may reach a door's socket is said by the folder it lies in, as with Postfix's
  // own.
  mode_t mode = 0666;
  std::string owner;  // empty: who we are
  std::string group;  // likewise

  // Errors say what was found and what was expected.
  static absl::StatusOr<ListenAddress> Parse(absl::string_view text);
  // As Parse takes it, without options.
  std::string ToString() const;
  // Whether other machines may reach it: any but UNIX and loopback.
  bool BeyondLoopback() const;
};

class Listener {
 public:
  // Binds and listens. A UNIX socket that nobody listens on any more is replaced, one that somebody does is an error.
  // Errors name the address and the system's reason.
  static absl::StatusOr<std::unique_ptr<Listener>> Open(Loop& loop, const ListenAddress& address);
  // Takes over a listening socket.
  static std::unique_ptr<Listener> Adopt(Loop& loop, int fd);
  // Closes, and removes the UNIX socket that Open made.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Calls `on_connection` with each accepted socket (non-blocking, close-on-exec; the callee owns it) until closed.
  // When descriptors run out it pauses for a moment and says so in the log once.
  void Start(std::function<void(int fd)> on_connection);

  const std::string& name() const;

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_LISTENER_H_
