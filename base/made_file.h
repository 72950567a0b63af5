// A socket, file or folder that this process has just made in a folder that may belong to somebody else. It is held by
// a descriptor, so that owner and mode go to it and to nothing that others have put in its place meanwhile. By path
// they would go to the target of a symbolic link there.
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
  // `type` is S_IFSOCK, S_IFREG or S_IFDIR. An error unless `path` is of that type, belongs to us and has no other name
  // elsewhere. All errors name the path.
  static absl::StatusOr<MadeFile> Find(const std::string& path, mode_t type);
  MadeFile(MadeFile&& other) noexcept;
  ~MadeFile();
  MadeFile(const MadeFile&) = delete;
  MadeFile& operator=(const MadeFile&) = delete;
  MadeFile& operator=(MadeFile&&) = delete;

  // -1: leave it as it is.
  absl::Status SetOwner(uid_t owner, gid_t group);
  absl::Status SetMode(mode_t mode);

 private:
  MadeFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  const std::string path_;
  int fd_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_MADE_FILE_H_
