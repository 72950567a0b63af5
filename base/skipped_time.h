// Skipped time: the hours that the wall clock jumped over while this process lived. Between two readings of the wall
// clock no more time counts as passed than the monotonic clock says, so that a clock that is set forward does not make
// fresh evidence old. (The monotonic clock stands still while the machine sleeps: that time counts as skipped, too.)
//
// Thread: one.
#ifndef VERIFYD_BASE_SKIPPED_TIME_H_
#define VERIFYD_BASE_SKIPPED_TIME_H_

#include <deque>
#include <optional>

#include "absl/time/time.h"
#include "base/clock.h"

namespace verifyd {

class SkippedTime {
 public:
  // Looks at the clock. Call it whenever times read from that clock are about to be compared or kept: a jump is taken
  // to be between two calls.
  void Observe(const Clock& clock);
  // Returns how long it was from one reading of the wall clock to another, without the skipped time.
  absl::Duration Between(absl::Time from, absl::Time to) const;

 private:
  struct Skip {
    absl::Time from;
    absl::Time to;
  };
  std::deque<Skip> skips_;  // ascending; they do not overlap
  // The wall clock's time at which the monotonic one was at 0, or would have been.
  std::optional<absl::Time> origin_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_SKIPPED_TIME_H_
