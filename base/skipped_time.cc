#include "base/skipped_time.h"

#include <algorithm>

namespace verifyd {
namespace {

// A clock that is corrected slowly needs half an hour or more to move by this much.
constexpr absl::Duration kSmallestSkip = absl::Seconds(1);
// The oldest skips, from weeks ago, are forgotten.
constexpr size_t kMaxSkips = 1000;

}  // namespace

void SkippedTime::Observe(const Clock& clock) {
  const absl::Time now = clock.Now();
  const absl::Time origin = now - (clock.Mono() - MonoTime());
  const absl::Duration jump = origin - origin_.value_or(origin);
  if (origin_.has_value() && absl::AbsDuration(jump) < kSmallestSkip) return;
  origin_ = origin;
  if (jump > absl::ZeroDuration()) {
    skips_.push_back({.from = now - jump, .to = now});
    if (skips_.size() > kMaxSkips) skips_.pop_front();
  }
  if (jump >= absl::ZeroDuration()) return;
  // It was set back, so what lies after `now` has yet to pass. The time that passed while it was wrong is not counted;
  // that only makes evidence younger.
  while (!skips_.empty() && skips_.back().from >= now) skips_.pop_back();
  if (!skips_.empty()) skips_.back().to = std::min(skips_.back().to, now);
}

absl::Duration SkippedTime::Between(absl::Time from, absl::Time to) const {
  absl::Duration between = to - from;
  for (const Skip& skip : skips_) {
    const absl::Duration skipped = std::min(to, skip.to) - std::max(from, skip.from);
    if (skipped > absl::ZeroDuration()) between -= skipped;
  }
  return between;
}

}  // namespace verifyd
