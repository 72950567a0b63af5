// Skipped time: the hours that a wall clock jumped over while this process lived. Two times that were read off it lie
// no further apart than the monotonic clock says, so that a clock that is set forward makes no evidence of a moment ago
// an old one. (The monotonic clock stands still while the machine sleeps: that time counts as skipped, too.)
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
  // Looks at the clock. To be called whenever times that were read off it are about to be compared or kept: a jump is
  // taken to be between two calls.
  void Observe(const Clock& clock);
  // How long it was from one reading of the wall clock to another, without what was skipped.
  absl::Duration Between(absl::Time from, absl::Time to) const;

 private:
  struct Skip {
    absl::Time from;
    absl::Time to;
  };
  std::deque<Skip> skips_;  // ascending; they do not overlap
  // What the wall clock showed when the monotonic one was at 0, or would have.
  std::optional<absl::Time> origin_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_SKIPPED_TIME_H_
