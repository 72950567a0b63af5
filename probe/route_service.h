// Asks trivial-rewrite(8) how Postfix would route a probe, so that Postfix's tables need not be repeated here
// (address_verify_route_service).
//
// Thread: the front loop only.
#ifndef VERIFYD_PROBE_ROUTE_SERVICE_H_
#define VERIFYD_PROBE_ROUTE_SERVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "mail/address.h"
#include "stream/dialer.h"

namespace verifyd {

struct PostfixRoute {
  std::string transport;
  std::string next_hop;  // as behind the colon in transport(5)
};

// Sends the request "verify", which trivial-rewrite(8) answers by the address_verify_* parameters of main.cf. Errors
// name the path.
boost::asio::awaitable<absl::StatusOr<PostfixRoute>> AskRouteService(Loop& loop, Dialer& dialer, std::string path,
                                                                     std::string sender, std::string address,
                                                                     MonoTime deadline);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ROUTE_SERVICE_H_
