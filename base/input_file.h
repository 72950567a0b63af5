// A file that is read: what can not be is an error that says why, before anything of it is read.
//
// Thread: any. Blocks, and where the path is a named pipe until somebody writes into it.
#ifndef VERIFYD_BASE_INPUT_FILE_H_
#define VERIFYD_BASE_INPUT_FILE_H_

#include <cstddef>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace verifyd {

// Errors: NotFound (also a folder), PermissionDenied, else Unavailable. All name the file and what is wrong.
absl::StatusOr<std::unique_ptr<std::ifstream>> OpenInputFile(const std::string& path);
// Whether that would open it.
absl::Status CheckInputFile(const std::string& path);
// All that is in it. It does not wait: a pipe or a device, which may have no end, is NotFound as a folder is. Also
// InvalidArgument: it is larger than `most` bytes.
absl::StatusOr<std::string> ReadInputFile(const std::string& path, size_t most);

}  // namespace verifyd

#endif  // VERIFYD_BASE_INPUT_FILE_H_
