// A token bucket: allows so many a second, and no more than a few of them at once.
//
// Thread: one (the owner's).
#ifndef VERIFYD_BASE_TOKEN_BUCKET_H_
#define VERIFYD_BASE_TOKEN_BUCKET_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "absl/time/time.h"
#include "base/clock.h"

namespace verifyd {

class TokenBucket {
 public:
  // `saved`: at most the tokens of that much time may be taken at once, and at least one.
  explicit TokenBucket(absl::Duration saved) : saved_seconds_(absl::ToDoubleSeconds(saved)) {}

  // 0: no limit. Saved tokens are kept, as far as they fit.
  void SetRate(double per_second) {
    rate_ = per_second;
    tokens_ = std::min(tokens_, burst());
  }
  double rate() const { return rate_; }

  // Takes up to `wanted` tokens and returns how many it took.
  size_t Take(size_t wanted, MonoTime now) {
    if (rate_ <= 0) return wanted;
    Refill(now);
    const auto taken = static_cast<size_t>(std::min(static_cast<double>(wanted), std::floor(tokens_)));
    tokens_ -= static_cast<double>(taken);
    return taken;
  }
  void GiveBack(size_t tokens) { tokens_ = std::min(tokens_ + static_cast<double>(tokens), burst()); }
  // Returns when the next token will be there.
  MonoTime Next(MonoTime now) {
    if (rate_ <= 0) return now;
    Refill(now);
    return now + absl::Seconds(std::max(0.0, 1 - tokens_) / rate_) + absl::Microseconds(1);
  }

 private:
  double burst() const {
    return rate_ <= 0 ? std::numeric_limits<double>::max() : std::max(1.0, rate_ * saved_seconds_);
  }
  void Refill(MonoTime now) {
    if (now > filled_) tokens_ = std::min(tokens_ + absl::ToDoubleSeconds(now - filled_) * rate_, burst());
    filled_ = std::max(filled_, now);
  }

  const double saved_seconds_;
  double rate_ = 0;
  double tokens_ = 1;
  MonoTime filled_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_TOKEN_BUCKET_H_
