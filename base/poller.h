// A poller: tells which of many sockets can be read or written, all that are ready in one round. A door with thousands
// of connections that each say little pays one wait of the loop for a round of them, where a coroutine a connection
// pays one, and a frame, for every request: measured, a third of the cost of an answer from memory.
//
// Where the loop has much else to do, its sockets are looked at in between (Loop::urgent): a client that waits for an
// answer does not stand in one line with ten thousand probes.
//
// Thread: the loop's thread only.
#ifndef VERIFYD_BASE_POLLER_H_
#define VERIFYD_BASE_POLLER_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "base/loop.h"

namespace verifyd {

class Poller {
 public:
  enum class For : uint8_t { kNothing, kReading, kWriting };

  // `on_ready` gets the owner of each ready socket, `on_round` follows when all of a round have been called. Trouble of
  // a socket (reset by the peer) counts as ready.
  Poller(Loop& loop, std::function<void(void* owner)> on_ready, std::function<void()> on_round);
  // No call comes after it.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // From now on `fd` is watched for `what` instead of for `before` (kNothing: it was not watched). An owner that goes
  // away stops watching first, and only in its own call or outside of a round.
  void Watch(int fd, void* owner, For before, For what);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_POLLER_H_
