#include "base/signal.h"

#include <optional>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "boost/asio/async_result.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"

namespace verifyd {

struct Signal::Waiter {
  Waiter(Loop& loop, absl::AnyInvocable<void(bool)> resume)
      : loop(loop), timer(loop.timers()), resume(std::move(resume)) {
    abandon = loop.abandon().insert(loop.abandon().end(), [this] {
      timer.Cancel();
      // Move it to the stack first: destroying it may destroy the coroutine, the signal, and this.
      const absl::AnyInvocable<void(bool)> dropped = std::exchange(this->resume, nullptr);
    });
  }
  void Wake(bool notified) {
    timer.Cancel();
    if (!resume) return;
    loop.abandon().erase(abandon);
    std::exchange(resume, nullptr)(notified);
  }
  Loop& loop;
  Timer timer;
  absl::AnyInvocable<void(bool)> resume;
  std::list<absl::AnyInvocable<void()>>::iterator abandon;
  std::list<std::shared_ptr<Waiter>>::iterator self;
};

Signal::Signal(Loop& loop) : loop_(loop) {}

Signal::~Signal() { NotifyAll(); }

boost::asio::awaitable<bool> Signal::Wait(MonoTime deadline) {
  Loop& loop = loop_;
  return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(bool)>(
      [this, &loop, deadline](auto handler) {
        auto resume = [handler = std::move(handler), &loop](bool notified) mutable {
          boost::asio::post(loop.executor(),
                            [handler = std::move(handler), notified]() mutable { std::move(handler)(notified); });
        };
        auto waiter = std::make_shared<Waiter>(loop, std::move(resume));
        waiter->self = waiters_.insert(waiters_.end(), waiter);
        if (deadline == MonoTime::InfiniteFuture()) return;
        waiter->timer.SetAt(deadline, [this, waiter = waiter.get()] {
          const std::shared_ptr<Waiter> keep = *waiter->self;
          waiters_.erase(waiter->self);
          keep->Wake(false);
        });
      },
      boost::asio::use_awaitable);
}

void Signal::NotifyAll() {
  const std::list<std::shared_ptr<Waiter>> woken = std::exchange(waiters_, {});
  for (const std::shared_ptr<Waiter>& waiter : woken) waiter->Wake(true);
}

bool Signal::NotifyOne() {
  if (waiters_.empty()) return false;
  const std::shared_ptr<Waiter> waiter = waiters_.front();
  waiters_.pop_front();
  waiter->Wake(true);
  return true;
}

}  // namespace verifyd
