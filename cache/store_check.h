// The store check: tests whether a file of the store can be read at all, page by page. LMDB trusts its pages, so a
// damaged one can kill the process. The check therefore runs in a process of its own (verifyd --check-cache), and only
// after an end that was not clean.
//
// Values with a wrong checksum do not condemn a file: they count as absent, one by one.
//
// Thread: any; nothing else in this process may have the file open.
#ifndef VERIFYD_CACHE_STORE_CHECK_H_
#define VERIFYD_CACHE_STORE_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace verifyd {

// Reads every entry of every database in the file. DataLoss: it is damaged, and how. InvalidArgument: it is no file of
// LMDB, or an empty one. Ok also for a missing file: Store::Open reports that.
absl::Status CheckStore(const std::string& path);

// The result of a check in another process.
enum class CheckResult {
  kSound,
  kDamaged,    // the check said so, or did not survive
  kUndecided,  // it could not be started, or took too long: that proves nothing
};
// Runs `command` with `path` as its last argument. It exits with 0 for a sound file and 1 for a damaged one;
// EX_DATAERR, EX_NOINPUT and EX_NOPERM mean that there was nothing to judge, which passes, too. Blocks, for `limit` at
// most. `why` says what happened where the file is not sound.
CheckResult CheckInOtherProcess(std::vector<std::string> command, const std::string& path, absl::Duration limit,
                                std::string& why);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_STORE_CHECK_H_
