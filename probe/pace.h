// Pace: when a destination may get another connection. Here: so many at a time, first come first served.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_PACE_H_
#define VERIFYD_PROBE_PACE_H_

#include "base/clock.h"
#include "base/loop.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"

namespace verifyd {

class Pace {
 public:
  Pace(Loop& loop, int limit) : limit_(limit), freed_(loop) {}

  // Waits for a turn; true when it has come (Release gives it back), false when `deadline` came first. The Pace must
  // live until it returns.
  boost::asio::awaitable<bool> Acquire(MonoTime deadline);
  void Release();
  // Those who have a turn beyond a lower limit keep it.
  void SetLimit(int limit);
  int in_use() const { return in_use_; }

 private:
  int limit_;
  int in_use_ = 0;
  Signal freed_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PACE_H_
