// A small file that this program keeps for its next run. It is written as a whole or left as it is.
//
// Thread: any. Waits for the disk.
#ifndef VERIFYD_BASE_KEPT_FILE_H_
#define VERIFYD_BASE_KEPT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace verifyd {

// Only the owner may read it (mode 0600). It never writes through something that another user left at `file`.new.
// Errors name the file and the reason.
absl::Status KeepFile(const std::string& file, absl::string_view text);

}  // namespace verifyd

#endif  // VERIFYD_BASE_KEPT_FILE_H_
