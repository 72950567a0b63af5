// An event loop: a queue of work, its clock and its timers, run by one thread. verifyd has two (front and prober; see
// README, "Threads"); loops talk to each other only by posting values.
//
// A coroutine runs on the loop it was spawned on and stays there. To have another loop do something and come back, post
// to it and wait on a Signal (base/signal.h).
#ifndef VERIFYD_BASE_LOOP_H_
#define VERIFYD_BASE_LOOP_H_

#include <functional>
#include <list>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/timer.h"
#include "boost/asio/awaitable.hpp"

namespace boost::asio {
class io_context;
}

namespace verifyd {

class Loop {
 public:
  explicit Loop(const Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Any thread.
  const Clock& clock() const { return clock_; }
  void Post(absl::AnyInvocable<void()> work);
  // Starts `task` on this loop. An exception that leaves it is a bug: it is logged with its text and the task is over.
  void Spawn(boost::asio::awaitable<void> task);
  boost::asio::any_io_executor executor();
  // For the rooms that hand sockets to Asio; they include the headers they need.
  boost::asio::io_context& context();
  // Makes Run return soon.
  void Stop();

  // Loop thread only.
  Timers& timers();
  boost::asio::awaitable<void> Sleep(absl::Duration d);
  // Comes back when everything that is ready now has had its turn.
  boost::asio::awaitable<void> Yield();
  // Runs until Stop, also while there is nothing to do.
  void Run();
  // Runs what is ready and returns; never waits. Returns the number of handlers run.
  size_t Poll();
  // Run calls these between two pieces of work, about every kUrgentInterval: for work that must not wait until
  // everything that is ready now has had its turn. Add and remove them in a turn of the loop, never in one of these
  // calls.
  static constexpr absl::Duration kUrgentInterval = absl::Microseconds(50);
  std::list<std::function<void()>>& urgent() { return urgent_; }
  // Called when the loop is destroyed. Each lets go of a coroutine that still waits (base/signal.cc).
  std::list<absl::AnyInvocable<void()>>& abandon() { return abandon_; }

 private:
  struct Impl;
  const Clock& clock_;
  std::unique_ptr<Impl> impl_;
  std::list<absl::AnyInvocable<void()>> abandon_;
  std::list<std::function<void()>> urgent_;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_LOOP_H_
