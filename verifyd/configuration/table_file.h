// The files of the tables that settings name, and the marks that tell whether one has changed since it was read.
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

// A mark changes when the file is written, is replaced by another one, or gets other rights. A file that can not be
// seen has a mark of its own.
struct FileMark {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = -1;
  int64_t modified = 0;  // nanoseconds
  int64_t changed = 0;   // nanoseconds; of owner, mode, ACL
  static FileMark Of(const std::string& path);
  friend bool operator==(const FileMark&, const FileMark&) = default;
};

struct TableFile {
  std::string path;
  FileMark mark;
};

// Lists the files that stand as TYPE:/PATH in any setting (texthash and its like, cidr, re2), or as /PATH in a list of
// domains, myorigin where it is a file, and Postfix's main.cf and master.cf (postfix_config_directory); each once, with
// its present mark. The cache is left out, and so are files that only other files name: they are read again with those.
std::vector<TableFile> TableFilesOf(const Settings& settings);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_TABLE_FILE_H_
