// The routes about all that the cache holds: walks, and records and deliveries in bulk.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_CACHE_ROUTES_H_
#define VERIFYD_VERIFYD_API_CACHE_ROUTES_H_

#include <vector>

#include "verifyd/api/route.h"

namespace verifyd {

std::vector<ApiRoute> CacheRoutes();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_CACHE_ROUTES_H_
