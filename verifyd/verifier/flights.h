// Flights: probes in the air. Questions for the same address join the one that is under way. A flight may have an
// answer before it lands: the address is accepted, and it remains to be found out whether every address there is.
// Places among the flights and among the waiters are shared out (base/shares.h). Flights and waiters that go beyond
// their share (those of planned probes may) are counted, too.
//
// A waiter is a callback, not a coroutine: there may be ten thousand of them, and a frame is ten times as large.
//
// The leader of a flight lands it in any case: a Landing that is destroyed without having landed does it.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_FLIGHTS_H_
#define VERIFYD_VERIFYD_VERIFIER_FLIGHTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/hash/hash.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "base/shares.h"
#include "base/timer.h"
#include "boost/asio/awaitable.hpp"
#include "mail/address.h"
#include "mail/verdict.h"

namespace verifyd {

class Flights;

struct Flight : std::enable_shared_from_this<Flight> {
  // Tells a waiter the verdict, or nothing when its patience has ended before there was one. An exception that leaves
  // this is a bug: it is logged, and the others are told.
  using Told = absl::AnyInvocable<void(const Verdict*)>;
  struct Waiter {
    Waiter(Flight& flight, Timers& timers, Told told) : flight(flight), told(std::move(told)), patience(timers) {}
    Flight& flight;
    Told told;
    Timer patience;
    bool seated = false;     // counted among the waiters
    bool to_its_end = true;  // waits until it has landed
    std::list<Waiter>::iterator self;
  };

  Flight(Address address, Shares::Party party, Flights& home)
      : address(std::move(address)), party(party), home(&home) {}
  // Whether somebody waits to be told the verdict.
  bool awaited() const {
    return std::any_of(waiters.begin(), waiters.end(), [](const Waiter& waiter) { return waiter.patience.set(); });
  }

  // Returns what can be told by now; null: nothing.
  const Verdict* told_so_far() const { return verdict != nullptr ? verdict.get() : accepted.get(); }

  const Address address;
  const Shares::Party party;
  Flights* home;  // null once it is gone
  std::list<Waiter> waiters;
  std::unique_ptr<const Verdict> accepted;  // null where it is not known before the landing
  std::unique_ptr<const Verdict> verdict;   // null until it has landed
};

// The duty to land a flight. It is handed on from coroutine to callback to coroutine. If it is lost on the way, because
// an exception ended its holder, the flight is landed on a later turn of the loop, with a verdict that says so.
class Landing {
 public:
  explicit Landing(std::shared_ptr<Flight> flight) : flight_(std::move(flight)) {}
  Landing(Landing&&) = default;
  Landing& operator=(Landing&&) = delete;
  ~Landing();

  // Do not call it after Land.
  Flight& flight() const { return *flight_; }
  // Closes the flight and tells the waiters.
  void Land(Verdict verdict);

 private:
  std::shared_ptr<Flight> flight_;  // null: landed, or moved from
};

// The way a question joins a flight: the leader flies, the others wait.
struct Ticket {
  std::shared_ptr<Flight> flight;
  std::optional<Landing> landing;  // the leader's
  bool leads() const { return landing.has_value(); }
};

class Flights {
 public:
  // Makes the verdict of a flight that nobody has landed.
  using Failed = absl::AnyInvocable<Verdict(const Flight&)>;
  Flights(Loop& loop, Failed failed) : loop_(loop), failed_(std::move(failed)) {}
  ~Flights();
  Flights(const Flights&) = delete;
  Flights& operator=(const Flights&) = delete;

  void SetLimits(size_t flights, size_t waiters) {
    places_.SetPlaces(flights);
    seats_.SetPlaces(waiters);
  }

  // Whether one more flight of this party, or one more waiter, is within the limits and the party's share of them.
  bool MayFly(Shares::Party party, bool ours) const { return places_.MayTake(party, ours); }
  bool MayWait(Shares::Party party, bool ours) const { return seats_.MayTake(party, ours); }

  // Joins the flight for the address that is in the air, or begins a new one of the party.
  Ticket Join(const Address& address, Shares::Party party = 0);
  // The leader awaits this before it flies: a fleet of daemons may have to agree on which one does. Here it returns at
  // once.
  boost::asio::awaitable<void> Enter(const Flight& flight);
  // `told` is called once: when the flight lands, or after `patience`. A waiter whose patience is infinite only
  // watches. One that does not wait `to_its_end` is told as soon as the address is accepted, perhaps before this
  // returns.
  void Wait(Flight& flight, absl::Duration patience, Flight::Told told, bool to_its_end = true);
  // Tells that the address is accepted; the flight goes on. Call it once.
  void Accept(Flight& flight, Verdict verdict);
  bool InTheAir(const Address& address) const { return flights_.contains(address); }

  // Tells every waiter whose patience is finite that it has ended; the flights go on.
  void WakeWaiters();

  size_t size() const { return flights_.size(); }
  size_t waiting() const { return seats_.taken(); }

 private:
  friend class Landing;

  // A flight is found by its address.
  struct Hash {
    using is_transparent = void;
    size_t operator()(const Address& address) const { return absl::HashOf(address); }
    size_t operator()(const std::shared_ptr<Flight>& flight) const { return absl::HashOf(flight->address); }
  };
  struct Same {
    using is_transparent = void;
    static const Address& Of(const Address& address) { return address; }
    static const Address& Of(const std::shared_ptr<Flight>& flight) { return flight->address; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Of(a) == Of(b);
    }
  };

  void Land(const std::shared_ptr<Flight>& flight, Verdict verdict);
  void GiveUp(Flight::Waiter& waiter);
  // Takes a waiter out, and returns its callback.
  Flight::Told Leave(Flight::Waiter& waiter);

  Loop& loop_;
  Failed failed_;
  absl::flat_hash_set<std::shared_ptr<Flight>, Hash, Same> flights_;
  Shares places_{SIZE_MAX};
  Shares seats_{SIZE_MAX};  // of waiters whose patience is finite
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_FLIGHTS_H_
