// The file of the store as a whole, for tools: examined entry by entry, and copied while others go on with it. Unlike
// the store check (store_check.h), which only tells whether a file can be read, this says which entry is wrong, and
// whether values and due index agree.
//
// Beside a daemon it only reads, in slices, so that no page is kept from being used again for long; a copy is one state
// of the store, and keeps its pages until it is done.
//
// Thread: any; nobody else of this process may have the file open. A file whose pages are damaged may kill who reads
// it.
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
  uint64_t destinations = 0;
  uint64_t pins = 0;
  uint64_t dues = 0;  // entries of the due index
  uint64_t faults = 0;
  // Entries of the due index that say another time than today's lifetimes, or are about what is gone. They come of
  // changed lifetimes, and the cleaner puts them right when they are due: no fault.
  uint64_t other_lifetimes = 0;
  uint64_t left_over = 0;
};

class StoreFile {
 public:
  // Entries in one read transaction.
  static constexpr size_t kSlice = 2000;

  // Whether to go on, asked between slices; what is done (entries, or bytes) and about how much there is.
  using GoOn = absl::FunctionRef<bool(uint64_t done, uint64_t total)>;
  // `where`: "record joe@example.com"; both printable.
  using Fault = absl::FunctionRef<void(absl::string_view where, absl::string_view what)>;

  // Whether it is a cache of a format that this version knows; DataLoss if not, PermissionDenied where it may not be
  // opened. Once in a process at a time.
  static absl::Status CheckFormat(const std::string& path);
  // Reads every entry of every table, and whether the due index has what the values ask for and nothing else. Errors:
  // DataLoss where the tree itself is damaged, Cancelled, else what the system said; all name the file.
  static absl::StatusOr<StoreExamination> Examine(const std::string& path, const Lifetimes& lifetimes, Fault fault,
                                                  GoOn go_on);

  // Writes the store at `from` as it stands to the file `to` (made, mode 0600, whole or not at all: synced to the
  // disk), without what is free in it. Beside those who write it. Errors as above, AlreadyExists where `to` is there.
  static absl::Status Copy(const std::string& from, const std::string& to, GoOn go_on);
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_STORE_FILE_H_
