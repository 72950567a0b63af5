// The files of the tables that settings name, and how to tell whether one is still what was read.
//
// Thread: any (values; looking at a file may wait for the disk).
#ifndef VERIFYD_VERIFYD_CONFIGURATION_TABLE_FILE_H_
#define VERIFYD_VERIFYD_CONFIGURATION_TABLE_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "verifyd/settings/settings.h"

namespace verifyd {

// Differs when somebody has written to the file, put another one in its place or changed who may read it. A file that
// can not be seen has one of its own.
struct FileMark {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = -1;
  int64_t modified = 0;  // nanoseconds
  int64_t changed = 0;   // of what stands beside the text: owner, mode, ACL
  static FileMark Of(const std::string& path);
  friend bool operator==(const FileMark&, const FileMark&) = default;
};

struct TableFile {
  std::string path;
  FileMark mark;
};

// The files that stand as TYPE:/PATH in any setting (texthash and its like, cidr, re2), or as /PATH in a list of
// domains, myorigin where it is a file, and Postfix's main.cf and master.cf (postfix_config_directory); each once, with
// their marks of now. Not the cache, and not what only the text of other files names: that is read again with them.
std::vector<TableFile> TableFilesOf(const Settings& settings);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_TABLE_FILE_H_
