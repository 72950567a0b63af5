// Flights: probes in the air. Questions for the same address join the one that is under way.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_FLIGHTS_H_
#define VERIFYD_VERIFYD_FLIGHTS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/loop.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"
#include "mail/verdict.h"

namespace verifyd {

struct Flight {
  Flight(Loop& loop, std::string key) : key(std::move(key)), landed(loop) {}
  const std::string key;
  Signal landed;
  // What the waiters are told; set before `landed` is notified.
  std::optional<Verdict> verdict;
};

// How somebody entered: the one who leads flies, the others wait.
struct Ticket {
  std::shared_ptr<Flight> flight;
  bool leads = false;
};

class Flights {
 public:
  explicit Flights(Loop& loop) : loop_(loop) {}

  // Joins the flight for `key`, or opens it. Awaitable, because a fleet of daemons may have to agree on who flies; here
  // it returns at once.
  boost::asio::awaitable<Ticket> Enter(std::string key);
  bool InTheAir(absl::string_view key) const { return flights_.contains(key); }
  // Tells the waiters and closes the flight.
  void Land(const std::shared_ptr<Flight>& flight, Verdict verdict);

  // The waiters are not to wait any longer; the flights go on.
  void WakeWaiters();

  size_t size() const { return flights_.size(); }

 private:
  Loop& loop_;
  absl::flat_hash_map<std::string, std::shared_ptr<Flight>> flights_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_FLIGHTS_H_
