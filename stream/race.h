// Happy eyeballs (RFC 8305): dials two addresses of different IP versions, the second a moment after the first or as
// soon as the first has failed. It takes the first connection and gives up the other. A broken IPv6 costs a quarter of
// a second instead of a time-out.
//
// Thread: the prober loop only.
#ifndef VERIFYD_STREAM_RACE_H_
#define VERIFYD_STREAM_RACE_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "stream/dialer.h"
#include "stream/source_addresses.h"

namespace verifyd {

inline constexpr absl::Duration kRaceDelay = absl::Milliseconds(250);

struct Raced {
  Dialed dialed;                    // of the winner; where none won, of the first endpoint
  size_t winner = 0;                // the number of that endpoint
  std::vector<size_t> failed = {};  // endpoints that are known not to answer
};

// `endpoints` and `sources` must live until this returns; `dialer` and `loop` until the losing dial has ended, too,
// which may be later.
boost::asio::awaitable<std::unique_ptr<Raced>> DialFirst(Loop& loop, Dialer& dialer,
                                                         absl::Span<const Endpoint> endpoints,
                                                         const SourceAddresses& sources, MonoTime deadline);

}  // namespace verifyd

#endif  // VERIFYD_STREAM_RACE_H_
