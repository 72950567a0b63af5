// The routes about all that the cache holds: walks, and records and deliveries in bulk.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_CACHE_ROUTES_H_
#define VERIFYD_VERIFYD_API_CACHE_ROUTES_H_

#include "verifyd/api/api_arguments.h"
#include "verifyd/api/route.h"

namespace verifyd {

ApiReply HandleRecords(ApiMemory& memory, const ApiArguments& arguments);
ApiReply HandlePurge(ApiMemory& memory, const ApiArguments& arguments);
ApiReply HandleImport(ApiMemory& memory, const ApiArguments& arguments);
ApiReply HandleLearn(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);
ApiReply HandleClean(ApiMemory& memory, const ApiArguments& arguments);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_CACHE_ROUTES_H_
