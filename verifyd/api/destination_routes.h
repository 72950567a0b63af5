// The routes about destinations as they are remembered, and about holds, also of a domain.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_DESTINATION_ROUTES_H_
#define VERIFYD_VERIFYD_API_DESTINATION_ROUTES_H_

#include <vector>

#include "verifyd/api/route.h"

namespace verifyd {

std::vector<ApiRoute> DestinationRoutes();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_DESTINATION_ROUTES_H_
