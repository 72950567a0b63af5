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

// inet:HOST:PORT or, as Sendmail writes it, inet:PORT@HOST. HOST is an address or localhost; IPv6 may go without
// brackets where it stands last. unix:PATH or local:PATH; in braces options may follow: { unix:PATH, mode=0660,
// owner=USER, group=GROUP }.
struct ListenAddress {
  std::string host;
  uint16_t port = 0;
  std::string path;  // not empty: UNIX
  // Postfix runs as another user. As with Postfix's own sockets, the folder decides who may reach a door's socket.
  mode_t mode = 0666;
  std::string owner;  // empty: our own
  std::string group;  // likewise

  // Errors say what was found and what was expected.
  static absl::StatusOr<ListenAddress> Parse(absl::string_view text);
  // Returns the text as Parse takes it, without options.
  std::string ToString() const;
  // True where other machines may reach it: any but UNIX and loopback.
  bool BeyondLoopback() const;
};

class Listener {
 public:
  // Binds and listens. A UNIX socket on which nothing listens any more is replaced; one that is in use is an error.
  // Errors name the address and the system's reason.
  static absl::StatusOr<std::unique_ptr<Listener>> Open(Loop& loop, const ListenAddress& address);
  // Takes over a listening socket.
  static std::unique_ptr<Listener> Adopt(Loop& loop, int fd);
  // Closes, and removes the UNIX socket that Open made.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Calls `on_connection` with each accepted socket (non-blocking, close-on-exec; the callee owns it) until closed.
  // When descriptors run out it pauses for a moment and logs that once.
  void Start(std::function<void(int fd)> on_connection);

  const std::string& name() const;

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_LISTENER_H_
