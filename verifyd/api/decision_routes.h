// The routes about decisions: what was decided, why, and what would be.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_DECISION_ROUTES_H_
#define VERIFYD_VERIFYD_API_DECISION_ROUTES_H_

#include "verifyd/api/api_arguments.h"
#include "verifyd/api/route.h"

namespace verifyd {

ApiReply HandleReport(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);
ApiReply HandleRefusal(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);
ApiReply HandleReplay(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_DECISION_ROUTES_H_
