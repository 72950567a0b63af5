// Pace: when a destination may get another connection, and the next questions. It listens: where the server complains,
// or answers slower and slower, it asks less; where nothing is said against it for a while, it asks more, up to what
// the operator allows.
//
// Connections: additive increase, multiplicative decrease on the time a reply takes; where the server itself says that
// there are too many, those that it has already taken are enough. Questions: probe/bearable_rate.h.
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

// What the operator allows.
struct PaceLimits {
  int connections = 1;
  double connections_per_second = 0;  // new ones; 0: no limit
  double questions_per_second = 0;    // likewise
  // No server's complaints bring it below this; a setting of the operator's does.
  double least_questions_per_second = BearableRate::kLeast;
};

class Pace {
 public:
  // Between two steps up, and two steps down.
  static constexpr absl::Duration kStep = absl::Seconds(5);
  // For so long no more connections are tried than the server said were too many.
  static constexpr absl::Duration kRefusalMemory = absl::Minutes(10);

  Pace(Loop& loop, const PaceLimits& limits);

  // Those who have a turn beyond a lower limit keep it.
  void SetLimits(const PaceLimits& limits);
  // As an earlier run found out; 0: nothing. Less than kLeastKept is not believed for so long.
  static constexpr double kLeastKept = 1;
  void Restore(double questions_per_second);
  // Forgets what was found out.
  void Reset();

  // Waits for a turn to connect; true when it has come (Release gives it back), false when `deadline` came first. The
  // Pace must live until it returns.
  boost::asio::awaitable<bool> Acquire(MonoTime deadline);
  void Release();
  // More have a turn than should; as many as may.
  bool crowded() const { return in_use_ > limit_; }
  bool full() const { return in_use_ >= limit_; }

  // How many of `wanted` questions may be asked now; 0: none, before NextQuestion().
  size_t TakeQuestions(size_t wanted);
  void GiveBackQuestions(size_t count) { questions_.GiveBack(count); }
  MonoTime NextQuestion();

  // So many were answered in a transaction, in which no reply took longer than that.
  void NoteAnswered(size_t count, absl::Duration latency);
  // These say whether that was understood, so that going on makes sense; if not it is a refusal of us.
  // `connections` are open already, and one more was refused.
  bool NoteTooManyConnections(int connections);
  bool NoteTooFast();
  // The complaints that were listened to were not about our pace.
  void ForgetTooFast();

  int in_use() const { return in_use_; }
  int limit() const { return limit_; }
  double questions_per_second() const { return questions_.rate(); }
  // What was found out and is worth keeping over a restart; 0: nothing.
  double kept_questions_per_second() const { return bearable_.rate() >= kLeastKept ? bearable_.rate() : 0; }
  absl::Duration latency() const { return latency_; }
  // It is known how long a reply takes.
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
  // Less at once: a server that counts by the second never sees more than it bears.
  TokenBucket questions_{absl::Milliseconds(200)};
  BearableRate bearable_;
  // A connection beyond these was refused; 0: none was.
  int refused_beyond_ = 0;
  MonoTime refused_;
  MonoTime stepped_;
  // Smoothed, and the least that was seen.
  absl::Duration latency_ = absl::ZeroDuration();
  absl::Duration least_latency_ = absl::InfiniteDuration();
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PACE_H_
