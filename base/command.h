// Runs a command of the system to its end: without a shell, with an environment of its own, without any of our open
// files, bounded in time and output.
//
// Thread: any that may wait for it.
#ifndef VERIFYD_BASE_COMMAND_H_
#define VERIFYD_BASE_COMMAND_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace verifyd {

struct CommandLimits {
  absl::Duration time = absl::Seconds(10);
  size_t output = size_t{1} << 20;  // bytes
};

// Returns what `command` (a path, and its arguments) writes to its standard output. Errors: NotFound when there is no
// such program, else its text on standard error, or the limit for which it was killed.
absl::StatusOr<std::string> RunCommand(const std::vector<std::string>& command, const CommandLimits& limits = {});

}  // namespace verifyd

#endif  // VERIFYD_BASE_COMMAND_H_
