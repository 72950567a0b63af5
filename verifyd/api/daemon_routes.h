// The routes about the daemon itself: its counters, its state, its settings.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_DAEMON_ROUTES_H_
#define VERIFYD_VERIFYD_API_DAEMON_ROUTES_H_

#include <vector>

#include "verifyd/api/route.h"

namespace verifyd {

std::vector<ApiRoute> DaemonRoutes();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_DAEMON_ROUTES_H_
