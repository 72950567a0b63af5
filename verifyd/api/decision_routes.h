// The routes about decisions: what was decided, why, and what would be.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_DECISION_ROUTES_H_
#define VERIFYD_VERIFYD_API_DECISION_ROUTES_H_

#include <vector>

#include "verifyd/api/route.h"

namespace verifyd {

std::vector<ApiRoute> DecisionRoutes();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_DECISION_ROUTES_H_
