#include "base/kept_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

absl::Status CanNotWrite(const std::string& file) {
  return absl::UnavailableError(absl::StrCat("can not write ", file, ": ", std::strerror(errno)));
}

bool WriteWhole(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    text.remove_prefix(written < 0 ? 0 : static_cast<size_t>(written));
  }
  return ::fsync(fd) == 0;
}

}  // namespace

absl::Status KeepFile(const std::string& file, absl::string_view text) {
  const std::string made = absl::StrCat(file, ".new");
  ::unlink(made.c_str());
  const int fd = ::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return CanNotWrite(made);
  const bool written = WriteWhole(fd, text);
  const absl::Status status = written ? absl::OkStatus() : CanNotWrite(made);
  ::close(fd);
  if (written && ::rename(made.c_str(), file.c_str()) == 0) return absl::OkStatus();
  absl::Status failed = written ? CanNotWrite(file) : status;
  ::unlink(made.c_str());
  return failed;
}

}  // namespace verifyd
