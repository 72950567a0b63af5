#include "base/input_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

absl::Status CanNotRead(const std::string& path) {
  const int code = errno;
  const std::string text = absl::StrCat(path, ": ", std::strerror(code));
  if (code == EACCES || code == EPERM) return absl::PermissionDeniedError(text);
  if (code == ENOENT || code == ENOTDIR) return absl::NotFoundError(text);
  return absl::UnavailableError(text);
}

}  // namespace

absl::Status CheckInputFile(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return CanNotRead(path);
  if (S_ISDIR(found.st_mode)) return absl::NotFoundError(absl::StrCat(path, ": found a folder, expected a file"));
  if (::access(path.c_str(), R_OK) != 0) return CanNotRead(path);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<std::ifstream>> OpenInputFile(const std::string& path) {
  if (const absl::Status readable = CheckInputFile(path); !readable.ok()) return readable;
  errno = 0;
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file) return CanNotRead(path);
  return file;
}

}  // namespace verifyd
