// How many of the users that were asked about at a public destination within the hour do not exist there: who asks for
// many of those looks like one who harvests addresses. Beyond a number and a share nobody is asked there for the rest
// of the hour.
//
// Thread: one (whoever owns it).
#ifndef VERIFYD_PROBE_UNKNOWN_SHARE_H_
#define VERIFYD_PROBE_UNKNOWN_SHARE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "base/clock.h"

namespace verifyd {

// `number` 0: no budget.
struct UnknownBudget {
  uint64_t number = 0;
  int percent = 50;
};

class UnknownShare {
 public:
  static constexpr absl::Duration kWindow = absl::Hours(1);

  void Note(bool unknown, MonoTime now) {
    Turn(now);
    ++asked_;
    if (unknown) ++unknown_;
  }
  bool exhausted(const UnknownBudget& budget, MonoTime now) {
    Turn(now);
    return budget.number > 0 && unknown_ >= budget.number &&
           uint64_t{100} * unknown_ >= static_cast<uint64_t>(budget.percent) * asked_;
  }
  uint64_t asked() const { return asked_; }
  uint64_t unknown() const { return unknown_; }

 private:
  void Turn(MonoTime now) {
    if (asked_ > 0 && now - began_ < kWindow) return;
    if (asked_ > 0) asked_ = unknown_ = 0;
    began_ = now;
  }

  MonoTime began_;
  uint32_t asked_ = 0;
  uint32_t unknown_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_UNKNOWN_SHARE_H_
