// What this process has just made in a folder that may be somebody else's: a socket, a file, a folder. It is held by a
// descriptor, so that owner and mode go to it and to nothing that others put in its place meanwhile; by a path they
// would go to whatever a symbolic link there leads to.
//
// Thread: any.
#ifndef VERIFYD_BASE_MADE_FILE_H_
#define VERIFYD_BASE_MADE_FILE_H_

#include <sys/types.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace verifyd {

class MadeFile {
 public:
  // `type` is S_IFSOCK, S_IFREG or S_IFDIR. Error where `path` is not (or not any more) of that type, ours, and without
  // another name elsewhere. All errors name the path.
  static absl::StatusOr<MadeFile> Find(const std::string& path, mode_t type);
  MadeFile(MadeFile&& other) noexcept;
  ~MadeFile();
  MadeFile(const MadeFile&) = delete;
  MadeFile& operator=(const MadeFile&) = delete;
  MadeFile& operator=(MadeFile&&) = delete;

  // -1: as it is.
  absl::Status SetOwner(uid_t owner, gid_t group);
  absl::Status SetMode(mode_t mode);

 private:
  MadeFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  const std::string path_;
  int fd_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_MADE_FILE_H_
