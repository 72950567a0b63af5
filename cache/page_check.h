// The page check: whether the pages of a store's file hang together, so that LMDB, which trusts them, is not killed by
// one that was damaged while nobody had the file open. It reads the file itself and believes nothing, so nothing in the
// file can harm it.
//
// The pages that lead to others come first, all of them, then those with entries in a random order: a file of which
// more is damaged than a page or two is found out also where there is no time for all. It looks at the form of pages
// only; what is in a value has a checksum of its own (cache/FORMAT.md).
//
// Thread: any. The format of LMDB 0.9, which a file has for as long as there is one: lmdb.h says what it means, and
// where this file and LMDB's own disagree a test fails.
#ifndef VERIFYD_CACHE_PAGE_CHECK_H_
#define VERIFYD_CACHE_PAGE_CHECK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace verifyd {

struct PageCheck {
  uint64_t checked = 0;
  uint64_t pages = 0;  // of those that are known of; all were checked where it is the same
};

// At most for `limit`. DataLoss: what is wrong, and where. A file that is not there, not LMDB's or not ours (for
// Store::Open to say), and one that somebody writes meanwhile, has no fault.
absl::StatusOr<PageCheck> CheckPages(const std::string& path, absl::Duration limit);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_PAGE_CHECK_H_
