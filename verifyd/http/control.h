// The control socket: the api (verifyd/api/api.h) by HTTP/1.1 and JSON over a UNIX socket. Streams go out as chunks of
// whole lines.
//
// The socket's mode is 0660. Root, the daemon's own user and the socket's group may look and change. Anybody else, let
// in only by a wider mode that an administrator sets, may look (http/peer.h).
//
// Bounded: 64 connections (more are closed), 8 KiB of header, 1 MiB of body, 30 s until the next request is there
// whole, 30 s for a client to take what it is sent. An answer that waits for a probe may take as long as its patience.
// A body of lines has no end: a person or a slow program may write it. So the next line may take any time, and one that
// has begun 30 s. But where all places are taken, a connection whose next line is awaited for 30 s gives its place to a
// new one.
//
// An exception from a route is logged and answered with 500; in the midst of lines the answer breaks off.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_HTTP_CONTROL_H_
#define VERIFYD_VERIFYD_HTTP_CONTROL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/loop.h"
#include "verifyd/api/api.h"

namespace verifyd {

class Listener;

class ControlDoor {
 public:
  // All that `context` refers to must live as long as the loop runs: a request under way ends by itself after Close.
  ControlDoor(Loop& loop, ApiContext& context);
  // Closes.
  ~ControlDoor();
  ControlDoor(const ControlDoor&) = delete;
  ControlDoor& operator=(const ControlDoor&) = delete;

  // Makes the socket, mode 0660, and serves it. Errors as Listener::Open.
  absl::Status Listen(const std::string& path);
  // Serves a socket that listens already (socket activation). Takes the descriptor.
  void Adopt(int fd);
  // Removes the socket that Listen made and closes everything.
  void Close();

 private:
  void Start(std::unique_ptr<Listener> listener);

  class Place;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HTTP_CONTROL_H_
