// The route that verifies addresses, many at a time.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_VERIFY_ROUTES_H_
#define VERIFYD_VERIFYD_API_VERIFY_ROUTES_H_

#include "verifyd/api/api_arguments.h"
#include "verifyd/api/route.h"

namespace verifyd {

ApiReply HandleVerify(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_VERIFY_ROUTES_H_
