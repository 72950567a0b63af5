// The cleaner: removes expired entries, in slices off the due index, so that neither writes nor readers wait for it.
// Its log line is Postfix's.
//
// It judges every entry by its value in the slice's own write transaction. A value that was refreshed since is kept,
// and its index entry is corrected. So the index may be wrong (after a change of lifetimes it is) without a record
// being lost or kept for ever.
//
// Thread: the writer's.
#ifndef VERIFYD_CACHE_CLEANER_H_
#define VERIFYD_CACHE_CLEANER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/lifetime.h"
#include "cache/store.h"

namespace verifyd {

// Returns how long to wait at start: until an interval after the last completed run, but never longer than an interval;
// not at all if there never was one.
absl::Duration UntilCleanup(std::optional<absl::Time> last_completed, absl::Duration interval, absl::Time now);

class Cleaner {
 public:
  static constexpr size_t kSlice = 1000;

  // `map_name` is the map's name in the log.
  Cleaner(Store& store, absl::string_view map_name, size_t slice = kSlice)
      : store_(store), map_name_(map_name), slice_(slice) {}

  // Begins a run that removes everything expired at `now`.
  void Begin(absl::Time now);
  bool running() const { return running_; }
  // Looks at one slice. The run ends with the last one: then it is logged as "full" and noted in the store. An error
  // also ends it, as "partial".
  absl::Status RunSlice(const Lifetimes& lifetimes);
  // Ends the run as "partial".
  void Abandon();

 private:
  void LogSummary(absl::string_view extent) const;

  Store& store_;
  std::string map_name_;
  size_t slice_;
  bool running_ = false;
  absl::Time now_;
  // of records and domains
  uint64_t retained_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_CLEANER_H_
