// The disk that a file is on: how much of it is free, and whether that is why a write failed.
//
// Thread: any; a call waits for the disk as stat(2) does.
#ifndef VERIFYD_BASE_DISK_SPACE_H_
#define VERIFYD_BASE_DISK_SPACE_H_

#include <cstdint>
#include <optional>
#include <string>

namespace verifyd {

struct DiskSpace {
  uint64_t bytes = 0;
  uint64_t free_bytes = 0;  // for who is not root
};

// Of the disk that `folder` is on; nothing where there is no such folder.
std::optional<DiskSpace> DiskSpaceOf(const std::string& folder);

// What the errno `code` of a failed write of `file` means. A disk that is full, or a quota that is used up, is called
// that also where a library makes EIO of the few bytes that went out.
std::string WriteErrorText(const std::string& file, int code);

}  // namespace verifyd

#endif  // VERIFYD_BASE_DISK_SPACE_H_
