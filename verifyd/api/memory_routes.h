// The routes about what is held of addresses and domains: answering from it, showing it, forgetting it, and the
// operator's word on it.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_MEMORY_ROUTES_H_
#define VERIFYD_VERIFYD_API_MEMORY_ROUTES_H_

#include <vector>

#include "verifyd/api/route.h"

namespace verifyd {

std::vector<ApiRoute> MemoryRoutes();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_MEMORY_ROUTES_H_
