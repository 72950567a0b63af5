#include "base/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "base/made_file.h"
#include "base/status_macros.h"

namespace verifyd {

absl::StatusOr<UserIdentity> FindUser(const std::string& name) {
  passwd entry = {};
  passwd* found = nullptr;
  std::array<char, 16384> buffer = {};
  getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return absl::NotFoundError(absl::StrCat("there is no user \"", name, "\""));
  return UserIdentity{name, entry.pw_uid, entry.pw_gid};
}

absl::StatusOr<UserIdentity> FindUser(uid_t uid) {
  passwd entry = {};
  passwd* found = nullptr;
  std::array<char, 16384> buffer = {};
  getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return absl::NotFoundError(absl::StrCat("there is no user with the number ", uid));
  return UserIdentity{entry.pw_name, entry.pw_uid, entry.pw_gid};
}

std::optional<uid_t> OwnerBesidesRoot(const std::string& directory) {
  struct stat info = {};
  if (::stat(directory.c_str(), &info) != 0 || info.st_uid == 0) return std::nullopt;
  return info.st_uid;
}

absl::StatusOr<gid_t> FindGroup(const std::string& name) {
  group entry = {};
  group* found = nullptr;
  std::array<char, 65536> buffer = {};
  getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return absl::NotFoundError(absl::StrCat("there is no group \"", name, "\""));
  return entry.gr_gid;
}

absl::Status MakeDirectoryFor(const std::string& directory, mode_t mode, const UserIdentity& user) {
  std::error_code error;
  const std::filesystem::path path(directory);
  if (directory.empty() || std::filesystem::exists(path, error)) return absl::OkStatus();
  std::filesystem::create_directories(path.parent_path(), error);
  if (mkdir(directory.c_str(), mode) != 0) {
    return absl::UnavailableError(absl::StrCat("can not make ", directory, ": ", std::strerror(errno)));
  }
  ASSIGN_OR_RETURN(MadeFile made, MadeFile::Find(directory, S_IFDIR));
  return made.SetOwner(user.uid, user.gid);
}

absl::Status BecomeUser(const UserIdentity& user) {
  if (geteuid() == user.uid && user.uid != 0) return absl::OkStatus();
  if (initgroups(user.name.c_str(), user.gid) != 0 || setgid(user.gid) != 0 || setuid(user.uid) != 0) {
    return absl::PermissionDeniedError(absl::StrCat("can not become user ", user.name, ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace verifyd
