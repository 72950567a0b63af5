// Counts how many of the users that were asked about within the hour do not exist.
//
// Thread: one, its owner's.
#ifndef VERIFYD_PROBE_UNKNOWN_SHARE_H_
#define VERIFYD_PROBE_UNKNOWN_SHARE_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "base/clock.h"

namespace verifyd {

class UnknownShare {
 public:
  static constexpr absl::Duration kWindow = absl::Hours(1);

  void Note(bool unknown, MonoTime now) {
    if (asked_ == 0 || now - began_ >= kWindow) *this = UnknownShare(now);
    ++asked_;
    if (unknown) ++unknown_;
  }
  bool past(MonoTime now) const { return asked_ == 0 || now - began_ >= kWindow; }
  // Returns whether at least `number` of them do not exist, and they are at least `percent` of all.
  bool Reaches(uint64_t number, int percent, MonoTime now) const {
    return !past(now) && unknown_ >= std::max<uint64_t>(number, 1) &&
           uint64_t{100} * unknown_ >= static_cast<uint64_t>(percent) * asked_;
  }
  uint64_t asked() const { return asked_; }
  uint64_t unknown() const { return unknown_; }

  UnknownShare() = default;

 private:
  explicit UnknownShare(MonoTime began) : began_(began) {}

  MonoTime began_;
  uint32_t asked_ = 0;
  uint32_t unknown_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_UNKNOWN_SHARE_H_
