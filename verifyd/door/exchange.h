// The exchange: requests and answers of one door, whatever its protocol. A connection carries many requests, one after
// the other; a client that sends several at once gets its answers in order. An immediate answer costs neither a
// coroutine nor an allocation.
//
// Bounded: connections and requests a second (ExchangeLimits), the bytes of a request, 100 s for a client to finish a
// request or to take its answer, an hour of silence. An exception is logged as an internal error and answered as the
// protocol sees fit.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_EXCHANGE_H_
#define VERIFYD_VERIFYD_DOOR_EXCHANGE_H_

#include <cstddef>
#include <memory>

#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "verifyd/door/listener.h"
#include "verifyd/door/protocol.h"
#include "verifyd/metrics/metrics.h"

namespace verifyd {

struct ExchangeLimits {
  // So many are served whole; as many again are answered from memory only, more are closed. NAME_connection_limit
  size_t connections = 5000;
  // Over all connections; clients beyond are read from later, and are not told. 0: no limit. NAME_request_rate_limit
  double requests_per_second = 0;
};

class Exchange {
 public:
  Exchange(Loop& loop, Metrics& metrics, std::unique_ptr<DoorProtocol> protocol);
  // Closes all connections. Decisions under way go on unheard.
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void Configure(const ExchangeLimits& limits);
  // Serves the connections of `listener`; may be called for several.
  void Serve(std::unique_ptr<Listener> listener);

  // From now on takes no new connections, and no new requests but those that have come already.
  void BeginDrain();
  // Ends when all requests that came are answered, or at `deadline`.
  boost::asio::awaitable<void> Drained(MonoTime deadline);

  DoorProtocol& protocol();
  size_t connections() const;

 private:
  struct Connection;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_EXCHANGE_H_
