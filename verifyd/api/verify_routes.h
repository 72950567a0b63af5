// The routes that answer about addresses, many at a time: by a probe, or from memory.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_VERIFY_ROUTES_H_
#define VERIFYD_VERIFYD_API_VERIFY_ROUTES_H_

#include "verifyd/api/api_arguments.h"
#include "verifyd/api/route.h"

namespace verifyd {

ApiReply HandleVerify(ApiContext& context, const ApiArguments& arguments);
ApiReply HandleQuery(ApiContext& context, const ApiArguments& arguments);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_VERIFY_ROUTES_H_
