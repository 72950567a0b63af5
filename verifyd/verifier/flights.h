// Flights: probes in the air. Questions for the same address join the one that is under way. A flight may have an
// answer before it lands: the address is accepted, and whether everybody is there remains to be found out. Places among
// the flights and among those who wait for them are shared out (base/shares.h); whoever flies or waits nevertheless
// (what is planned does) is counted, too.
//
// Who waits is a callback, not a coroutine: there may be ten thousand of them, and a frame is ten times as large.
//
// The one who leads a flight lands it, whatever befalls him: a Landing that goes without having landed does it.
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
  // What somebody who waits is told: the verdict, or nothing when his patience has ended before there was one. An
  // exception that leaves it is a bug: it is logged, and the others are told.
  using Told = absl::AnyInvocable<void(const Verdict*)>;
  struct Waiter {
    Waiter(Flight& flight, Timers& timers, Told told) : flight(flight), told(std::move(told)), patience(timers) {}
    Flight& flight;
    Told told;
    Timer patience;
    bool seated = false;     // counted among those who wait
    bool to_its_end = true;  // waits until it has landed
    std::list<Waiter>::iterator self;
  };

  Flight(Address address, Shares::Party party, Flights& home)
      : address(std::move(address)), party(party), home(&home) {}
  // Somebody waits to be told the verdict.
  bool awaited() const {
    return std::any_of(waiters.begin(), waiters.end(), [](const Waiter& waiter) { return waiter.patience.set(); });
  }

  // What can be told by now; null: nothing.
  const Verdict* told_so_far() const { return verdict != nullptr ? verdict.get() : accepted.get(); }

  const Address address;
  const Shares::Party party;
  Flights* home;  // null once it is gone
  std::list<Waiter> waiters;
  std::unique_ptr<const Verdict> accepted;  // null where it is not known before the landing
  std::unique_ptr<const Verdict> verdict;   // null until it has landed
};

// The duty to land a flight. It goes along with the one who flies, from coroutine to callback to coroutine. Where it is
// lost on the way, as an exception ended what held it, the flight is landed on a later turn of the loop, with a verdict
// that says so.
class Landing {
 public:
  explicit Landing(std::shared_ptr<Flight> flight) : flight_(std::move(flight)) {}
  Landing(Landing&&) = default;
  Landing& operator=(Landing&&) = delete;
  ~Landing();

  // Not after Land.
  Flight& flight() const { return *flight_; }
  // Closes the flight and tells the waiters.
  void Land(Verdict verdict);

 private:
  std::shared_ptr<Flight> flight_;  // null: landed, or moved from
};

// How somebody joined: the one who leads flies, the others wait.
struct Ticket {
  std::shared_ptr<Flight> flight;
  std::optional<Landing> landing;  // of the one who leads
  bool leads() const { return landing.has_value(); }
};

class Flights {
 public:
  // What is told of a flight that nobody has landed.
  using Failed = absl::AnyInvocable<Verdict(const Flight&)>;
  Flights(Loop& loop, Failed failed) : loop_(loop), failed_(std::move(failed)) {}
  ~Flights();
  Flights(const Flights&) = delete;
  Flights& operator=(const Flights&) = delete;

  void SetLimits(size_t flights, size_t waiters) {
    places_.SetPlaces(flights);
    seats_.SetPlaces(waiters);
  }

  // Whether one more flight of this party, one more who waits for one, is within the limits and its share of them.
  bool MayFly(Shares::Party party, bool ours) const { return places_.MayTake(party, ours); }
  bool MayWait(Shares::Party party, bool ours) const { return seats_.MayTake(party, ours); }

  // The flight for the address that is in the air, or a new one of the party.
  Ticket Join(const Address& address, Shares::Party party = 0);
  // Awaited by the one who leads, before he flies: a fleet of daemons may have to agree on who does. Here it returns at
  // once.
  boost::asio::awaitable<void> Enter(const Flight& flight);
  // `told` is called once: when the flight lands, or after `patience`. Who has no end of it only watches. Who does not
  // wait `to_its_end` is told as soon as the address is accepted, perhaps before this returns.
  void Wait(Flight& flight, absl::Duration patience, Flight::Told told, bool to_its_end = true);
  // The address is accepted, and the flight goes on. Once.
  void Accept(Flight& flight, Verdict verdict);
  bool InTheAir(const Address& address) const { return flights_.contains(address); }

  // Whose patience would end some time is told that it has; the flights go on.
  void WakeWaiters();

  size_t size() const { return flights_.size(); }
  size_t waiting() const { return seats_.taken(); }

 private:
  friend class Landing;

  // By its address.
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
  // Takes one out who waits; who is to be told.
  Flight::Told Leave(Flight::Waiter& waiter);

  Loop& loop_;
  Failed failed_;
  absl::flat_hash_set<std::shared_ptr<Flight>, Hash, Same> flights_;
  Shares places_{SIZE_MAX};
  Shares seats_{SIZE_MAX};  // of those whose patience will end
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_FLIGHTS_H_
