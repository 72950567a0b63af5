// A route: where an address is probed.
//
// Thread: any (a value, posted between loops).
#ifndef VERIFYD_PROBE_ROUTE_H_
#define VERIFYD_PROBE_ROUTE_H_

#include <string>
#include <vector>

#include "probe/dialer.h"

namespace verifyd {

struct Route {
  // The unit of politeness: the exchanges of an MX group joined by commas, or the next hop as the operator wrote it.
  // At most kMaxDestination bytes.
  std::string destination;
  // The operator said where; otherwise DNS did.
  bool configured = false;
  // In the order in which they are tried; at least one.
  std::vector<Endpoint> endpoints;

  static constexpr size_t kMaxDestination = 255;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ROUTE_H_
