#include "probe/bearable_rate.h"

#include <algorithm>
#include <utility>

namespace verifyd {
namespace {

// Complaints count as such for so long after the last answer.
constexpr absl::Duration kLately = absl::Minutes(1);
// Content and complaint have met where they are so close.
constexpr double kClose = 0.93;
constexpr double kGrowth = 1.25;
constexpr double kLittleMore = 1.1;
// A rate counts as used where so much of it was asked for.
constexpr double kUsed = 0.8;

}  // namespace

void BearableRate::SetLeast(double rate) {
  least_ = rate;
  if (rate_ > 0) rate_ = std::max(rate_, least_);
}

void BearableRate::Restore(double rate, MonoTime now) {
  if (rate <= 0) return;
  last_complaint_ = now;
  content_ = rate;
  complained_ = rate / kClose;
  Begin(rate, now);
}

void BearableRate::Begin(double rate, MonoTime now) {
  rate_ = std::max(rate, least_);
  since_ = now;
  answered_ = 0;
}

void BearableRate::NoteAnswered(size_t count, MonoTime now) {
  const auto answered = static_cast<double>(count);
  last_answer_ = now;
  if (now - second_ >= absl::Seconds(1)) {
    last_second_ = now - second_ < absl::Seconds(2) ? this_second_ : 0;
    this_second_ = 0;
    second_ = now;
  }
  this_second_ += answered;
  answered_ += answered;
  if (rate_ == 0) return;
  const absl::Duration tried = now - since_;
  const bool found = content_ > 0 && complained_ > 0 && rate_ >= kClose * complained_;
  if (tried < (found ? stay_ : kContent)) return;
  const bool used = answered_ >= kUsed * rate_ * absl::ToDoubleSeconds(tried);
  if (!used && now - last_complaint_ < stay_) return Begin(rate_, now);
  content_ = std::max(content_, rate_);
  const absl::Duration quiet = now - last_complaint_;
  if (quiet >= (used ? 2 * stay_ : stay_)) {
    complained_ = 0;
  } else if (found) {
    complained_ *= kLittleMore;
  }
  const double higher = kGrowth * rate_;
  if (complained_ == 0) return Begin(higher, now);
  if (rate_ >= kClose * complained_) return Begin(rate_, now);
  Begin(std::min(higher, (content_ + complained_) / 2), now);
}

double BearableRate::AnsweredLately(MonoTime now) const {
  return now - second_ >= absl::Seconds(2) ? 0 : std::max(this_second_, last_second_);
}

bool BearableRate::NoteComplaint(MonoTime now) {
  if (answered_ == 0 && rate_ == 0) return false;
  if (now - last_answer_ > kLately) return false;
  const absl::Duration quiet = now - std::exchange(last_complaint_, now);
  if (rate_ == 0) {
    // The answers of the last second say where to begin, not where the limit is: the start was uneven.
    Begin(std::max(AnsweredLately(now), 2 * least_) * 3 / 4, now);
    return true;
  }
  if (now - since_ < kEcho) return true;
  if (rate_ <= least_) return false;
  if (quiet >= 2 * kLongestStay) {
    stay_ = kStay;
  } else if (quiet >= stay_) {
    stay_ = std::min(2 * stay_, kLongestStay);
  }
  complained_ = rate_;
  // A rate that was borne for a while may have used up an allowance that the server had saved for us.
  content_ = std::min(content_, 0.9 * complained_);
  Begin(content_ > 0 ? (content_ + complained_) / 2 : complained_ / 2, now);
  return true;
}

}  // namespace verifyd
