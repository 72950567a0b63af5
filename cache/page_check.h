// The page check: tests whether the pages of a store's file hang together. LMDB trusts its pages, so a page that was
// damaged while the file was closed could kill the process. The check reads the file itself and believes nothing, so
// nothing in the file can harm it.
//
// It checks all pages that lead to others first, then those with entries in a random order: damage to more than a page
// or two is found even where there is no time for all. It looks at the form of pages only; values have checksums of
// their own (cache/FORMAT.md).
//
// Thread: any. The format is that of LMDB 0.9, which does not change for a file: lmdb.h explains it, and a test fails
// where this file and LMDB's own disagree.
#ifndef VERIFYD_CACHE_PAGE_CHECK_H_
#define VERIFYD_CACHE_PAGE_CHECK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace verifyd {

struct PageCheck {
  uint64_t checked = 0;
  uint64_t pages = 0;  // of the known ones; equal to `checked`: all were checked
};

// Takes at most `limit`. DataLoss: what is wrong, and where. No fault is found in a file that is missing, is not LMDB's
// or not ours (Store::Open reports these), or is written meanwhile.
absl::StatusOr<PageCheck> CheckPages(const std::string& path, absl::Duration limit);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_PAGE_CHECK_H_
