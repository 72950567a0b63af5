#include "base/disk_space.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

// With less than this free, a disk counts as full.
constexpr uint64_t kNothing = uint64_t{16} * 1024;

}  // namespace

std::optional<DiskSpace> DiskSpaceOf(const std::string& folder) {
  struct statvfs info = {};
  if (::statvfs(folder.c_str(), &info) != 0) return std::nullopt;
  return DiskSpace{.bytes = uint64_t{info.f_blocks} * info.f_frsize,
                   .free_bytes = uint64_t{info.f_bavail} * info.f_frsize};
}

std::string WriteErrorText(const std::string& file, int code) {
  std::string folder = std::filesystem::path(file).parent_path();
  if (folder.empty()) folder = ".";
  const std::optional<DiskSpace> space = DiskSpaceOf(folder);
  const bool full = code == ENOSPC || (code == EIO && space.has_value() && space->free_bytes < kNothing);
  if (full) return absl::StrCat(std::strerror(ENOSPC), ": the disk of ", folder, " is full");
  return std::strerror(code);
}

}  // namespace verifyd
