// The way to a running daemon: HTTP over its control socket. One connection a call.
#ifndef VERIFYD_VERIFYCTL_DAEMON_CLIENT_H_
#define VERIFYD_VERIFYCTL_DAEMON_CLIENT_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/api/api.h"

namespace verifyd {

// Gets the lines of an answer as they come, those that come together at once, without their line ends.
using LineSink = absl::FunctionRef<void(const std::vector<absl::string_view>& lines)>;

// Returns the HTTP status of the answer. Blocks until it is whole; `sink` is called on the thread that asks. The lines
// of a request, where it has any, are awaited on a thread of their own, and sent as they come; that thread may wait for
// the next one when all else is over. `patience` is for the whole of the answer: a daemon that is stopped, or hangs,
// accepts connections nevertheless. Errors: Unavailable (nothing listens at the socket, or the answer is not whole in
// time), PermissionDenied, DataLoss (no answer came, or only a part of one), InvalidArgument (the path can not be that
// of a socket).
absl::StatusOr<int> AskDaemon(const std::string& socket_path, const ApiRequest& request, LineSink sink,
                              absl::Duration patience = absl::InfiniteDuration());

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DAEMON_CLIENT_H_
