// The rate of questions that a server bears, found out from what it says. There is no limit until the server complains
// that we come too fast. Then the search closes in between the highest rate that the server bore and the lowest that it
// complained about. Once the two meet, the rate stays for minutes; then a little more is tried. After minutes without a
// complaint, whether the rate was needed or not, the old complaints are forgotten, and the search goes up again.
//
// Thread: one, its owner's.
#ifndef VERIFYD_PROBE_BEARABLE_RATE_H_
#define VERIFYD_PROBE_BEARABLE_RATE_H_

#include <cstddef>

#include "absl/time/time.h"
#include "base/clock.h"

namespace verifyd {

class BearableRate {
 public:
  // A rate counts as borne after it was used for so long.
  static constexpr absl::Duration kContent = absl::Seconds(5);
  // Complaints so soon after a change of the rate are about questions that were sent before it.
  static constexpr absl::Duration kEcho = absl::Seconds(1);
  // After so long without a complaint a higher rate is tried. A complaint about that rate doubles the time, up to
  // kLongestStay; twice kLongestStay without a complaint brings it back to kStay.
  static constexpr absl::Duration kStay = absl::Minutes(4);
  static constexpr absl::Duration kLongestStay = absl::Minutes(15);
  static constexpr double kLeast = 0.1;

  // Sets the least rate, which is kLeast at first.
  void SetLeast(double rate);

  // Takes a rate (a second) that was found out earlier; 0: nothing is known.
  void Restore(double rate, MonoTime now);
  // Notes that `count` questions were answered.
  void NoteAnswered(size_t count, MonoTime now);
  // Notes that the server said "too fast". Returns false if we can not be: nothing has been asked lately, or no slower
  // rate is left.
  bool NoteComplaint(MonoTime now);

  // Questions a second; 0: no limit is known.
  double rate() const { return rate_; }

 private:
  void Begin(double rate, MonoTime now);
  double AnsweredLately(MonoTime now) const;

  double rate_ = 0;
  double content_ = 0;     // the highest rate that was borne; 0: none known
  double complained_ = 0;  // the lowest that was complained about; 0: none known
  double least_ = kLeast;
  MonoTime since_;       // when the present rate began
  double answered_ = 0;  // since then
  absl::Duration stay_ = kStay;
  MonoTime last_complaint_;  // valid while there is a rate
  // Answers in the second under way, and in the one before it.
  MonoTime second_;
  double this_second_ = 0;
  double last_second_ = 0;
  MonoTime last_answer_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_BEARABLE_RATE_H_
