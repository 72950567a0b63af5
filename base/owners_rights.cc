#include "base/owners_rights.h"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace verifyd {

OwnersRights::OwnersRights(const std::string& file) {
  const std::string folder = std::filesystem::path(file).parent_path();
  struct stat info = {};
  if (::geteuid() != 0 || ::stat(folder.empty() ? "." : folder.c_str(), &info) != 0 || info.st_uid == 0) return;
  taken_ = true;
  ::setfsgid(info.st_gid);
  ::setfsuid(info.st_uid);  // takes root's rights over files from the thread
}

OwnersRights::~OwnersRights() {
  if (!taken_) return;
  ::setfsuid(::geteuid());
  ::setfsgid(::getegid());
}

}  // namespace verifyd
