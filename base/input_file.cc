#include "base/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

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

absl::StatusOr<std::string> ReadInputFile(const std::string& path, size_t most) {
  if (const absl::Status readable = CheckInputFile(path); !readable.ok()) return readable;
  const int fd = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return CanNotRead(path);
  struct stat found {};
  if (::fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
    ::close(fd);
    return absl::NotFoundError(absl::StrCat(path, ": found a pipe or a device, expected a file"));
  }
  std::string text;
  std::array<char, size_t{16} * 1024> bytes;
  ssize_t got = 1;
  while (got > 0 && text.size() <= most) {
    do {
      got = ::read(fd, bytes.data(), std::min(bytes.size(), most + 1 - text.size()));
    } while (got < 0 && errno == EINTR);
    if (got > 0) text.append(bytes.data(), static_cast<size_t>(got));
  }
  absl::StatusOr<std::string> all = got < 0 ? CanNotRead(path) : absl::StatusOr<std::string>(std::move(text));
  ::close(fd);
  if (all.ok() && all->size() > most) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": it is larger than ", most >> 20, " MiB"));
  }
  return all;
}

}  // namespace verifyd
