#include "probe/pace.h"

namespace verifyd {

boost::asio::awaitable<bool> Pace::Acquire(MonoTime deadline) {
  if (in_use_ < limit_ && freed_.waiting() == 0) {
    ++in_use_;
    co_return true;
  }
  // Whoever frees a turn hands it over: it stays counted, so that nobody who comes later can take it.
  co_return co_await freed_.Wait(deadline);
}

void Pace::Release() {
  if (in_use_ <= limit_ && freed_.NotifyOne()) return;
  --in_use_;
}

void Pace::SetLimit(int limit) {
  limit_ = limit;
  while (in_use_ < limit_ && freed_.NotifyOne()) ++in_use_;
}

}  // namespace verifyd
