// The disk that a file is on: how much of it is free, and whether a full disk made a write fail.
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
  uint64_t free_bytes = 0;  // for everybody but root
};

// Returns the space on the disk that holds `folder`; nothing where there is no such folder.
std::optional<DiskSpace> DiskSpaceOf(const std::string& folder);

// Returns what the errno `code` of a failed write of `file` means. It recognises a full disk also where a library
// reports EIO because only a part was written.
std::string WriteErrorText(const std::string& file, int code);

}  // namespace verifyd

#endif  // VERIFYD_BASE_DISK_SPACE_H_
