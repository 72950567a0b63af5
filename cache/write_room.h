// Room for writes: a coroutine that makes many of them waits here, so that the writer's queue takes all.
//
// Thread: the front loop only.
#ifndef VERIFYD_CACHE_WRITE_ROOM_H_
#define VERIFYD_CACHE_WRITE_ROOM_H_

#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"

namespace verifyd {

// Returns true when few writes wait for the disk, so that the next ones are not lost; false where that takes too long.
// It never waits for a cache without a disk.
boost::asio::awaitable<bool> RoomForWrites(Loop& loop, Cache& cache);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_WRITE_ROOM_H_
