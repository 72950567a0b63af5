#include "probe/session_slots.h"

#include <algorithm>

namespace verifyd {

SessionSlots::SessionSlots(Loop& loop, size_t limit) : loop_(loop), limit_(limit), urgent_(loop), others_(loop) {}

size_t SessionSlots::limit() const {
  return loop_.clock().Mono() < exhausted_until_ ? std::min(limit_, exhausted_at_) : limit_;
}

size_t SessionSlots::LimitFor(bool urgent) const {
  const size_t all = limit();
  return urgent ? all : all - all / 10;
}

boost::asio::awaitable<void> SessionSlots::Acquire(Urgency urgency) {
  const bool urgent = Urgent(urgency);
  while (in_use_ >= LimitFor(urgent)) {
    Signal& turn = urgent ? urgent_ : others_;
    // Nobody may be left to give one back when the system has more again.
    const MonoTime now = loop_.clock().Mono();
    const MonoTime again = now < exhausted_until_ ? exhausted_until_ : MonoTime::InfiniteFuture();
    co_await turn.Wait(again);
  }
  ++in_use_;
}

void SessionSlots::Release() {
  --in_use_;
  if (in_use_ < LimitFor(true) && urgent_.NotifyOne()) return;
  if (in_use_ < LimitFor(false)) others_.NotifyOne();
}

void SessionSlots::NoteExhausted() {
  // The one that failed counts, but has none.
  exhausted_at_ = std::max<size_t>(in_use_, 2) - 1;
  exhausted_until_ = loop_.clock().Mono() + kExhaustion;
}

}  // namespace verifyd
