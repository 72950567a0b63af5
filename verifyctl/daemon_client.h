// The way to a running daemon: HTTP over its control socket. One connection a call.
#ifndef VERIFYD_VERIFYCTL_DAEMON_CLIENT_H_
#define VERIFYD_VERIFYCTL_DAEMON_CLIENT_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "verifyd/api/api.h"

namespace verifyd {

// Gets the lines of an answer as they come, those that come together at once, without their line ends.
using LineSink = absl::FunctionRef<void(const std::vector<absl::string_view>& lines)>;

// The HTTP status of the answer. Blocks until it is whole; the lines of a request, where it has any, are sent by a
// thread meanwhile, which may wait for the next one when all else is over. Errors: Unavailable (nobody listens at the
// socket), PermissionDenied, DataLoss (what came is no answer, or only a part of one), InvalidArgument (the path can
// not be that of a socket).
absl::StatusOr<int> AskDaemon(const std::string& socket_path, const ApiRequest& request, LineSink sink);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DAEMON_CLIENT_H_
