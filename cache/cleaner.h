// The cleaner: removes what has expired, in slices off the due index, so that neither writes nor readers wait for it.
// Its log line is Postfix's.
//
// Every entry is judged by the value as it stands in the slice's own write transaction: what was refreshed since the
// entry was made is kept, and its entry put right. So the index may lie (after a change of lifetimes it does) without a
// record being lost or kept for ever.
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

// How long to wait at start: until an interval after the last completed run, but never longer than an interval; not at
// all if there never was one.
absl::Duration UntilCleanup(std::optional<absl::Time> last_completed, absl::Duration interval, absl::Time now);

class Cleaner {
 public:
  static constexpr size_t kSlice = 1000;

  // `map_name` is how the log calls the map.
  Cleaner(Store& store, absl::string_view map_name, size_t slice = kSlice)
      : store_(store), map_name_(map_name), slice_(slice) {}

  // Begins a run that removes what has expired at `now`.
  void Begin(absl::Time now);
  bool running() const { return running_; }
  // Looks at one slice. The run ends with the last one: then it is logged as "full" and noted in the store. An error
  // ends it, too, as "partial".
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
  // Of records and domains.
  uint64_t retained_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_CLEANER_H_
