// The route that verifies addresses, many at a time.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_VERIFY_ROUTES_H_
#define VERIFYD_VERIFYD_API_VERIFY_ROUTES_H_

#include <vector>

#include "verifyd/api/route.h"

namespace verifyd {

std::vector<ApiRoute> VerifyRoutes();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_VERIFY_ROUTES_H_
