// The routes about what is held of addresses and domains: answering from it, showing it, forgetting it, and the
// operator's word on it.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_MEMORY_ROUTES_H_
#define VERIFYD_VERIFYD_API_MEMORY_ROUTES_H_

#include "verifyd/api/api_arguments.h"
#include "verifyd/api/route.h"

namespace verifyd {

ApiReply HandleShow(ApiMemory& memory, const ApiArguments& arguments);
ApiReply HandleDelete(ApiMemory& memory, const ApiArguments& arguments);
ApiReply HandlePins(ApiMemory& memory, const ApiArguments& arguments);
ApiReply HandleSet(ApiMemory& memory, const ApiArguments& arguments);
ApiReply HandleUnset(ApiMemory& memory, const ApiArguments& arguments);
ApiReply HandleDomains(ApiMemory& memory, const ApiArguments& arguments);
ApiReply HandleQuery(ApiMemory& memory, const ApiArguments& arguments);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_MEMORY_ROUTES_H_
