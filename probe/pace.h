// The pace says when a destination may get another connection, and the next questions. It listens: where the server
// complains, or answers slower and slower, it asks less; where the server has not complained for a while, it asks more,
// up to the operator's limits.
//
// Connections: additive increase, multiplicative decrease on the time a reply takes; where the server itself says that
// there are too many, the number that it has already taken becomes the limit. Questions: probe/bearable_rate.h.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_PACE_H_
#define VERIFYD_PROBE_PACE_H_

#include <cstddef>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/signal.h"
#include "base/token_bucket.h"
#include "boost/asio/awaitable.hpp"
#include "probe/bearable_rate.h"

namespace verifyd {

// The operator's limits.
struct PaceLimits {
  int connections = 1;
  double connections_per_second = 0;  // new ones; 0: no limit
  double questions_per_second = 0;    // likewise
  // Complaints do not bring the rate below this; the operator's limit may.
  double least_questions_per_second = BearableRate::kLeast;
};

class Pace {
 public:
  // The time between two steps, up or down.
  static constexpr absl::Duration kStep = absl::Seconds(5);
  // For so long no connection is tried beyond the number at which the server refused one more.
  static constexpr absl::Duration kRefusalMemory = absl::Minutes(10);

  Pace(Loop& loop, const PaceLimits& limits);

  // Connections beyond a lower limit keep their turn.
  void SetLimits(const PaceLimits& limits);
  // Takes the rate that an earlier run found out; 0: none. A rate below kLeastKept is not believed for so long.
  static constexpr double kLeastKept = 1;
  void Restore(double questions_per_second);
  // Forgets what was found out.
  void Reset();

  // Waits for a turn to connect. Returns true when it has come (Release gives it back), false when `deadline` came
  // first. The Pace must live until it returns.
  boost::asio::awaitable<bool> Acquire(MonoTime deadline);
  void Release();
  // crowded: more connections have a turn than the limit allows. full: as many as it allows, or more.
  bool crowded() const { return in_use_ > limit_; }
  bool full() const { return in_use_ >= limit_; }

  // Returns how many of `wanted` questions may be asked now; 0: none before NextQuestion().
  size_t TakeQuestions(size_t wanted);
  void GiveBackQuestions(size_t count) { questions_.GiveBack(count); }
  MonoTime NextQuestion();

  // Notes that `count` questions were answered in a transaction, in which no reply took longer than `latency`.
  void NoteAnswered(size_t count, absl::Duration latency);
  // These two note a complaint, and return whether it was understood, so that going on makes sense; if not, it is a
  // refusal of us. `connections` are open already, and one more was refused.
  bool NoteTooManyConnections(int connections);
  bool NoteTooFast();
  // Forgets the complaints: they were not about our pace.
  void ForgetTooFast();

  int in_use() const { return in_use_; }
  int limit() const { return limit_; }
  double questions_per_second() const { return questions_.rate(); }
  // The rate that was found out, if it is worth keeping over a restart; 0: none.
  double kept_questions_per_second() const { return bearable_.rate() >= kLeastKept ? bearable_.rate() : 0; }
  absl::Duration latency() const { return latency_; }
  // True if it is known how long a reply takes.
  bool timed() const { return least_latency_ < absl::InfiniteDuration(); }

 private:
  void SetLimit(int limit);
  void SetQuestionRate();

  Loop& loop_;
  PaceLimits allowed_;
  int limit_;
  int in_use_ = 0;
  Signal freed_;
  TokenBucket connections_{absl::Seconds(1)};
  // The bursts are short: a server that counts by the second never sees more than it bears.
  TokenBucket questions_{absl::Milliseconds(200)};
  BearableRate bearable_;
  // The server refused a connection beyond these; 0: it refused none.
  int refused_beyond_ = 0;
  MonoTime refused_;
  MonoTime stepped_;
  // The smoothed latency, and the least that was seen.
  absl::Duration latency_ = absl::ZeroDuration();
  absl::Duration least_latency_ = absl::InfiniteDuration();
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PACE_H_
