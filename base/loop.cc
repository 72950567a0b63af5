#include "base/loop.h"

#include <chrono>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/exception_text.h"
#include "base/log.h"
#include "base/signal.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"

namespace verifyd {

struct Loop::Impl {
  // Before the context: objects that the context destroys at its end may cancel timers.
  std::unique_ptr<Timers> timers;
  // One thread runs the context, any thread may post to it.
  boost::asio::io_context context{1};
  boost::asio::steady_timer system_timer{context};
};

Loop::Loop(const Clock& clock) : clock_(clock), impl_(std::make_unique<Impl>()) {
  impl_->timers = std::make_unique<Timers>(clock, [this](MonoTime due) {
    if (clock_.manual()) return;  // the test drives the timers
    impl_->system_timer.expires_at(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::nanoseconds(due.nanos()))));
    impl_->system_timer.async_wait([this](const boost::system::error_code& error) {
      if (!error) impl_->timers->RunDue();
    });
  });
}

Loop::~Loop() {
  // A coroutine is owned by the object it waits for, and often owns that in turn: somebody must let go of it.
  while (!abandon_.empty()) {
    absl::AnyInvocable<void()> let_go = std::move(abandon_.front());
    abandon_.pop_front();
    let_go();
  }
}

void Loop::Post(absl::AnyInvocable<void()> work) { boost::asio::post(impl_->context, std::move(work)); }

void Loop::Spawn(boost::asio::awaitable<void> task) {
  boost::asio::co_spawn(impl_->context, std::move(task), [](const std::exception_ptr& error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (...) {
      LogError(absl::StrCat("internal error: a task ended with an exception: ", ExceptionText()));
    }
  });
}

boost::asio::any_io_executor Loop::executor() { return impl_->context.get_executor(); }
boost::asio::io_context& Loop::context() { return impl_->context; }
Timers& Loop::timers() { return *impl_->timers; }
void Loop::Stop() { impl_->context.stop(); }

boost::asio::awaitable<void> Loop::Sleep(absl::Duration d) {
  Signal never(*this);
  co_await never.Wait(clock_.Mono() + d);
}

boost::asio::awaitable<void> Loop::Yield() { return boost::asio::post(impl_->context, boost::asio::use_awaitable); }

void Loop::Run() {
  const auto guard = boost::asio::make_work_guard(impl_->context);
  MonoTime looked = clock_.Mono();
  while (impl_->context.run_one() > 0) {
    if (urgent_.empty()) continue;
    const MonoTime now = clock_.Mono();
    if (now - looked < kUrgentInterval) continue;
    looked = now;
    for (const std::function<void()>& look : urgent_) look();
  }
}

size_t Loop::Poll() {
  impl_->context.restart();
  return impl_->context.poll();
}

}  // namespace verifyd
