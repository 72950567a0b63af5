// The asker of a running daemon: HTTP over its control socket. One connection a call.
//
// Thread: the one that asks. The lines of a request, where it has any, are awaited on a thread of their own.
#ifndef VERIFYD_VERIFYCTL_DAEMON_ASKER_H_
#define VERIFYD_VERIFYCTL_DAEMON_ASKER_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "verifyctl/asker.h"

namespace verifyd {

class DaemonAsker : public Asker {
 public:
  explicit DaemonAsker(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  // The lines of the request are sent as they come; the thread that reads them may wait for the next one when all else
  // is over. Patience is for the whole of the answer: a daemon that is stopped, or hangs, accepts connections
  // nevertheless. Errors: Unavailable (nothing listens at the socket, or the answer is not whole in time),
  // PermissionDenied, DataLoss (no answer came, or only a part of one), InvalidArgument (the path can not be that of a
  // socket).
  absl::StatusOr<int> Ask(const ApiRequest& request, LineSink sink) override;

 private:
  const std::string socket_path_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DAEMON_ASKER_H_
