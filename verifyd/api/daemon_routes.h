// The routes about the daemon itself: its counters, its state, its settings.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_DAEMON_ROUTES_H_
#define VERIFYD_VERIFYD_API_DAEMON_ROUTES_H_

#include "verifyd/api/api_arguments.h"
#include "verifyd/api/route.h"

namespace verifyd {

ApiReply HandleStats(ApiContext& context, const ApiArguments& arguments);
ApiReply HandleStatus(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);
ApiReply HandleConfig(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);
ApiReply HandleReload(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_DAEMON_ROUTES_H_
