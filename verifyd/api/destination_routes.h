// The routes about destinations as they are remembered, and about holds, also of a domain.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_DESTINATION_ROUTES_H_
#define VERIFYD_VERIFYD_API_DESTINATION_ROUTES_H_

#include "verifyd/api/api_arguments.h"
#include "verifyd/api/route.h"

namespace verifyd {

ApiReply HandleHold(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);
ApiReply HandleRelease(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);
ApiReply HandleDestinations(ApiContext& context, const ApiArguments& arguments);
ApiReply HandleTrust(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);
ApiReply HandleReset(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_DESTINATION_ROUTES_H_
