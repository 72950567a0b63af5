// Privileges: what is done as root at start, and leaving it behind (--user, for containers and other places without
// systemd).
//
// Thread: main, before there are others.
#ifndef VERIFYD_BASE_PRIVILEGES_H_
#define VERIFYD_BASE_PRIVILEGES_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace verifyd {

struct UserIdentity {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

absl::StatusOr<UserIdentity> FindUser(const std::string& name);
// The name and group of `uid`.
absl::StatusOr<UserIdentity> FindUser(uid_t uid);
absl::StatusOr<gid_t> FindGroup(const std::string& name);
// Who has `directory`; nothing where there is none, or it is root's.
std::optional<uid_t> OwnerBesidesRoot(const std::string& directory);
// Makes `directory` (its parents have mode 0755) for `user` if it is missing. One that exists is left as it is.
absl::Status MakeDirectoryFor(const std::string& directory, mode_t mode, const UserIdentity& user);
// Becomes `user` for good: groups, group, user. Errors when not started as root, unless it is that user already.
absl::Status BecomeUser(const UserIdentity& user);

}  // namespace verifyd

#endif  // VERIFYD_BASE_PRIVILEGES_H_
