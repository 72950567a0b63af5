// The rate of questions that a server bears, found out from what it says: no limit until it complains that we come too
// fast; then between the highest rate it was content with and the lowest it complained about, ever closer. Once the two
// meet the rate stays for minutes, then a little more is tried. Where minutes pass without a complaint, whether the
// rate was needed or not, what was complained about before is forgotten, and the search goes up again.
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
  // After so long without a complaint a higher rate is tried; a complaint about that doubles it, until none came for
  // twice the longest.
  static constexpr absl::Duration kStay = absl::Minutes(4);
  static constexpr absl::Duration kLongestStay = absl::Minutes(15);
  static constexpr double kLeast = 0.1;

  // It never becomes less than this; kLeast at first.
  void SetLeast(double rate);

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
  double least_ = kLeast;
  MonoTime since_;       // the present rate is tried since then
  double answered_ = 0;  // in that time
  absl::Duration stay_ = kStay;
  MonoTime last_complaint_;  // where there is a rate
  // What was answered in the second under way, and in the one before it.
  MonoTime second_;
  double this_second_ = 0;
  double last_second_ = 0;
  MonoTime last_answer_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_BEARABLE_RATE_H_
