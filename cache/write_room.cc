#include "cache/write_room.h"

namespace verifyd {
namespace {

// Writes that may wait. The writer's queue holds ten times as many and loses the rest.
constexpr size_t kWaitingWrites = 10000;
constexpr absl::Duration kWritePause = absl::Milliseconds(5);
constexpr absl::Duration kLongestWait = absl::Seconds(20);

}  // namespace

boost::asio::awaitable<bool> RoomForWrites(Loop& loop, Cache& cache) {
  const MonoTime deadline = loop.clock().Mono() + kLongestWait;
  while (cache.uncommitted() > kWaitingWrites && cache.persistent()) {
    if (loop.clock().Mono() > deadline) co_return false;
    co_await loop.Sleep(kWritePause);
  }
  co_return true;
}

}  // namespace verifyd
