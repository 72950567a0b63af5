// The file of the store as a whole, for tools: it examines the file entry by entry, and copies it while others go on
// using it. The store check (store_check.h) only tells whether a file can be read; this also says which entry is wrong,
// and whether values and due index agree.
//
// Beside a daemon it only reads, in slices, so that no page is kept from being used again for long. A copy is one state
// of the store, and keeps its pages until it is done.
//
// Thread: any; nothing else in this process may have the file open. A file with damaged pages may kill the process that
// reads it.
#ifndef VERIFYD_CACHE_STORE_FILE_H_
#define VERIFYD_CACHE_STORE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/lifetime.h"

namespace verifyd {

struct StoreExamination {
  uint64_t records = 0;
  uint64_t domains = 0;
  uint64_t destinations = 0;  // and domains there
  uint64_t pins = 0;
  uint64_t dues = 0;  // entries of the due index
  uint64_t faults = 0;
  // Entries of the due index with a time that does not fit today's lifetimes, or about missing values. They come from
  // changed lifetimes, and the cleaner corrects them when they are due: no fault.
  uint64_t other_lifetimes = 0;
  uint64_t left_over = 0;
};

class StoreFile {
 public:
  // Entries in one read transaction.
  static constexpr size_t kSlice = 2000;

  // Asked between slices whether to go on; `done` is the work done (entries, or bytes), `total` about all there is.
  using GoOn = absl::FunctionRef<bool(uint64_t done, uint64_t total)>;
  // `where`: "record joe@example.com"; both printable.
  using Fault = absl::FunctionRef<void(absl::string_view where, absl::string_view what)>;

  // Checks that the file is a cache of a format that this version knows; DataLoss if not, PermissionDenied where it may
  // not be opened. Once in a process at a time.
  static absl::Status CheckFormat(const std::string& path);
  // Reads every entry of every table, and compares the due index with the values. Errors: DataLoss where the tree
  // itself is damaged, Cancelled, else the system's text; all name the file.
  static absl::StatusOr<StoreExamination> Examine(const std::string& path, const Lifetimes& lifetimes, Fault fault,
                                                  GoOn go_on);

  // Writes the present state of the store at `from` to the file `to`, without free pages. `to` is made, mode 0600,
  // whole or not at all: synced to the disk. Others may write the store meanwhile. Errors as above, AlreadyExists where
  // `to` is there.
  static absl::Status Copy(const std::string& from, const std::string& to, GoOn go_on);
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_STORE_FILE_H_
