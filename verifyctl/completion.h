// Completion for shells, made of the verbs and options that the command line is parsed by, so it offers only what
// exists.
#ifndef VERIFYD_VERIFYCTL_COMPLETION_H_
#define VERIFYD_VERIFYCTL_COMPLETION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace CLI {
class App;
}

namespace verifyd {

// Returns the text that `shell` reads: bash, zsh or fish; InvalidArgument for another. Files are completed where
// nothing else is.
absl::StatusOr<std::string> CompletionFor(absl::string_view shell, const CLI::App& app);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_COMPLETION_H_
