// Makes the routing of a configuration, which a route change compares with another (verifier/route_change.h).
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_CONFIGURATION_ROUTING_H_
#define VERIFYD_VERIFYD_CONFIGURATION_ROUTING_H_

#include <memory>

#include "verifyd/configuration/configuration.h"
#include "verifyd/verifier/route_change.h"

namespace verifyd {

std::shared_ptr<const Routing> RoutingOf(const Configuration& configuration);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_ROUTING_H_
