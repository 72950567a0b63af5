// Privileges: the work that needs root at start, and the drop of root's rights (--user, for containers and other places
// without systemd).
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
// Finds the name and group of `uid`.
absl::StatusOr<UserIdentity> FindUser(uid_t uid);
absl::StatusOr<gid_t> FindGroup(const std::string& name);
// Returns the owner of `directory`; nothing where there is no such directory or root owns it.
std::optional<uid_t> OwnerBesidesRoot(const std::string& directory);
// Makes `directory` (its parents with mode 0755) for `user` if it is missing. Leaves an existing one as it is.
absl::Status MakeDirectoryFor(const std::string& directory, mode_t mode, const UserIdentity& user);
// Becomes `user` for good: groups, group, user. An error when not started as root, unless the process runs as that user
// already.
absl::Status BecomeUser(const UserIdentity& user);

}  // namespace verifyd

#endif  // VERIFYD_BASE_PRIVILEGES_H_
