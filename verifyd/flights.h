// Flights: probes in the air. Questions for the same address join the one that is under way.
//
// Who waits is a callback, not a coroutine: there may be ten thousand of them, and a frame is ten times as large.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_FLIGHTS_H_
#define VERIFYD_VERIFYD_FLIGHTS_H_

#include <algorithm>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "base/timer.h"
#include "boost/asio/awaitable.hpp"
#include "mail/verdict.h"

namespace verifyd {

struct Flight {
  // What somebody who waits is told: the verdict, or nothing when his patience has ended.
  using Told = absl::AnyInvocable<void(const Verdict*)>;
  struct Waiter {
    Waiter(Flight& flight, Timers& timers, Told told) : flight(flight), told(std::move(told)), patience(timers) {}
    Flight& flight;
    Told told;
    Timer patience;
    std::list<Waiter>::iterator self;
  };

  explicit Flight(std::string key) : key(std::move(key)) {}
  // Somebody waits to be told the verdict.
  bool awaited() const {
    return std::any_of(waiters.begin(), waiters.end(), [](const Waiter& waiter) { return waiter.patience.set(); });
  }

  const std::string key;
  std::list<Waiter> waiters;
  std::unique_ptr<const Verdict> verdict;  // null until it has landed
};

// How somebody joined: the one who leads flies, the others wait.
struct Ticket {
  std::shared_ptr<Flight> flight;
  bool leads = false;
};

class Flights {
 public:
  explicit Flights(Loop& loop) : loop_(loop) {}

  // The flight for `key` that is in the air, or a new one.
  Ticket Join(std::string key);
  // Awaited by the one who leads, before he flies: a fleet of daemons may have to agree on who does. Here it returns at
  // once.
  boost::asio::awaitable<void> Enter(const Flight& flight);
  // `told` is called once: when the flight lands, or after `patience`. Who has no end of it only watches.
  void Wait(Flight& flight, absl::Duration patience, Flight::Told told);
  bool InTheAir(absl::string_view key) const { return flights_.contains(key); }
  // Closes the flight and tells the waiters.
  void Land(const std::shared_ptr<Flight>& flight, Verdict verdict);

  // Whose patience would end some time is told that it has; the flights go on.
  void WakeWaiters();

  size_t size() const { return flights_.size(); }

 private:
  static void GiveUp(Flight::Waiter& waiter);

  Loop& loop_;
  absl::flat_hash_map<std::string, std::shared_ptr<Flight>> flights_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_FLIGHTS_H_
