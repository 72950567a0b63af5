#include "base/made_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace verifyd {
namespace {

absl::Status ErrorAt(const std::string& path, absl::string_view doing) {
  return absl::UnavailableError(absl::StrCat("can not ", doing, " ", path, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<MadeFile> MadeFile::Find(const std::string& path, mode_t type) {
  MadeFile found(path, ::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (found.fd_ < 0) return ErrorAt(path, "find");
  struct stat info = {};
  if (::fstat(found.fd_, &info) != 0) return ErrorAt(path, "look at");
  // Somebody may have put a second name of our socket or file here, whose first name lies elsewhere.
  const bool alone = type == S_IFDIR || info.st_nlink == 1;
  if ((info.st_mode & S_IFMT) != type || info.st_uid != ::geteuid() || !alone) {
    return absl::UnavailableError(absl::StrCat(path, ": somebody has put something else in its place"));
  }
  return found;
}

MadeFile::MadeFile(MadeFile&& other) noexcept : path_(other.path_), fd_(std::exchange(other.fd_, -1)) {}

MadeFile::~MadeFile() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status MadeFile::SetOwner(uid_t owner, gid_t group) {
  return ::fchownat(fd_, "", owner, group, AT_EMPTY_PATH) == 0 ? absl::OkStatus() : ErrorAt(path_, "set the owner of");
}

absl::Status MadeFile::SetMode(mode_t mode) {
  // A descriptor of this kind has no fchmod(2). This path leads to the file that it holds, whatever lies at `path_` by
  // now.
  const std::string held = absl::StrCat("/proc/self/fd/", fd_);
  return ::chmod(held.c_str(), mode) == 0 ? absl::OkStatus() : ErrorAt(path_, "set the mode of");
}

}  // namespace verifyd
