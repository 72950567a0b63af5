// Opens a file for reading. A file that can not be read is an error with its reason, before anything of it is read.
//
// Thread: any. Blocks; on a named pipe until somebody writes into it.
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
// Says whether OpenInputFile would succeed.
absl::Status CheckInputFile(const std::string& path);
// Returns the whole content. Never waits: a pipe or a device, which may have no end, is NotFound as a folder is. A file
// larger than `most` bytes is InvalidArgument.
absl::StatusOr<std::string> ReadInputFile(const std::string& path, size_t most);

}  // namespace verifyd

#endif  // VERIFYD_BASE_INPUT_FILE_H_
