// The rate of questions that a server bears, found out from what it says: no limit until it complains that we come too
// fast; then between the highest rate it was content with and the lowest it complained about, ever closer. Once the two
// meet the rate stays, and something higher is tried only seldom: who complains once a minute is not listened to.
//
// Thread: one (whoever owns it).
#ifndef VERIFYD_PROBE_BEARABLE_RATE_H_
#define VERIFYD_PROBE_BEARABLE_RATE_H_

#include <cstddef>

#include "absl/time/time.h"
#include "base/clock.h"

namespace verifyd {

class BearableRate {
 public:
  // A rate was borne that was asked for for so long.
  static constexpr absl::Duration kContent = absl::Seconds(5);
  // Complaints that come together are one: about what was sent before the rate went down.
  static constexpr absl::Duration kEcho = absl::Seconds(1);
  // After so long at the rate that was found a higher one is tried; each complaint doubles it.
  static constexpr absl::Duration kStay = absl::Minutes(10);
  static constexpr absl::Duration kLongestStay = absl::Hours(4);
  static constexpr double kLeast = 0.1;

  // As it was found out earlier, a second; 0: nothing is known.
  void Restore(double rate, MonoTime now);
  // So many were answered.
  void NoteAnswered(size_t count, MonoTime now);
  // "Too fast". False where it can not be that: nothing has been asked lately, or nothing slower is left.
  bool NoteComplaint(MonoTime now);

  // Questions a second; 0: no limit is known.
  double rate() const { return rate_; }

 private:
  void Begin(double rate, MonoTime now);
  double AnsweredLately(MonoTime now) const;

  double rate_ = 0;
  double content_ = 0;     // the highest rate that was borne; 0: none known
  double complained_ = 0;  // the lowest that was not; 0: none known
  MonoTime since_;         // the present rate is tried since then
  double answered_ = 0;    // in that time
  absl::Duration stay_ = kStay;
  // What was answered in the second under way, and in the one before it.
  MonoTime second_;
  double this_second_ = 0;
  double last_second_ = 0;
  MonoTime last_answer_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_BEARABLE_RATE_H_
