// A wake-up call between coroutines and callbacks of one loop: some wait, somebody notifies. Results travel beside it,
// in state that the waiters share with the notifier.
//
// Thread: the loop's thread only.
#ifndef VERIFYD_BASE_SIGNAL_H_
#define VERIFYD_BASE_SIGNAL_H_

#include <cstddef>
#include <list>
#include <memory>

#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"

namespace verifyd {

class Signal {
 public:
  explicit Signal(Loop& loop);
  // Wakes all who still wait, as if notified.
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  // True when notified, false when `deadline` came first. The waiter resumes on a later turn of the loop, so a notifier
  // is never re-entered. The Signal may be gone by then.
  boost::asio::awaitable<bool> Wait(MonoTime deadline = MonoTime::InfiniteFuture());

  // Wakes all who wait now. It does not wake later waiters.
  void NotifyAll();
  // Wakes the one who has waited longest. False if nobody waits.
  bool NotifyOne();
  size_t waiting() const { return waiters_.size(); }

 private:
  struct Waiter;
  Loop& loop_;
  std::list<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_SIGNAL_H_
