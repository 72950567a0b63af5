// The routes about what is held of one address, or of a whole domain: looking at it, forgetting it, and the operator's
// word on it.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_MEMORY_ROUTES_H_
#define VERIFYD_VERIFYD_API_MEMORY_ROUTES_H_

#include "verifyd/api/api_arguments.h"
#include "verifyd/api/route.h"

namespace verifyd {

ApiReply HandleShow(ApiContext& context, const ApiArguments& arguments);
ApiReply HandleDelete(ApiContext& context, const ApiArguments& arguments);
ApiReply HandlePins(ApiContext& context, const ApiArguments& arguments);
ApiReply HandleSet(ApiContext& context, const ApiArguments& arguments);
ApiReply HandleUnset(ApiContext& context, const ApiArguments& arguments);
ApiReply HandleDomains(ApiContext& context, const ApiArguments& arguments);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_MEMORY_ROUTES_H_
