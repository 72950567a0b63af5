// A poller: tells which of many sockets can be read or written, all ready ones in one round. For a door with thousands
// of connections that each say little, one wait of the loop serves a whole round. With a coroutine a connection, each
// request would cost a wait and a frame: measured, a third of the cost of an answer from memory.
//
// While the loop is busy with other work, it looks at these sockets in between (Loop::urgent), so that a client that
// waits for an answer does not queue behind ten thousand probes.
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

  // The poller calls `on_ready` with the owner of each ready socket, and `on_round` after all of a round. Trouble of a
  // socket (reset by the peer) counts as ready.
  Poller(Loop& loop, std::function<void(void* owner)> on_ready, std::function<void()> on_round);
  // No call comes after the destructor.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // From now on `fd` is watched for `what` instead of for `before` (kNothing: it was not watched). An owner stops
  // watching before it goes away, and goes away only in its own call or outside of a round.
  void Watch(int fd, void* owner, For before, For what);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_POLLER_H_
