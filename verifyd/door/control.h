// The control socket: the api (verifyd/api/api.h) by HTTP/1.1 and JSON over a UNIX socket. Streams go out as chunks,
// one for each line.
//
// The socket's file permissions (0660) are the right to use it, to look and to change alike. Bounded: 64 connections
// (more are closed), 8 KiB of header, 1 MiB of body, 30 s of silence between and within requests, 30 s
// for a client to take what it is sent. A waiting answer (a probe) may take as long as its patience. The next line of a
// body of lines may take as long as it likes, because a person or a slow program may write it; but after 30 s that
// connection gives its place to a new one where all places are taken.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_CONTROL_H_
#define VERIFYD_VERIFYD_DOOR_CONTROL_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/loop.h"
#include "verifyd/api/api.h"

namespace verifyd {

class Listener;

class ControlDoor {
 public:
  // What `context` refers to must live as long as the loop runs: a request under way ends by itself after Close.
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

  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_CONTROL_H_
