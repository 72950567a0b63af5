#include "verifyd/flights.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace verifyd {

Ticket Flights::Join(std::string key) {
  Ticket ticket;
  const auto [it, inserted] = flights_.try_emplace(key);
  if (inserted) it->second = std::make_shared<Flight>(std::move(key));
  ticket.flight = it->second;
  ticket.leads = inserted;
  return ticket;
}

boost::asio::awaitable<void> Flights::Enter(const Flight& /*flight*/) { co_return; }

void Flights::Wait(Flight& flight, absl::Duration patience, Flight::Told told) {
  Flight::Waiter& waiter = flight.waiters.emplace_back(flight, loop_.timers(), std::move(told));
  waiter.self = std::prev(flight.waiters.end());
  if (patience == absl::InfiniteDuration()) return;
  waiter.patience.SetAt(loop_.clock().Mono() + patience, [&waiter] { GiveUp(waiter); });
}

void Flights::GiveUp(Flight::Waiter& waiter) {
  Flight::Told told = std::move(waiter.told);
  waiter.flight.waiters.erase(waiter.self);
  told(nullptr);
}

void Flights::Land(const std::shared_ptr<Flight>& flight, Verdict verdict) {
  flight->verdict = std::make_unique<const Verdict>(std::move(verdict));
  flights_.erase(flight->key);
  // What one is told may make him ask again, or others go.
  while (!flight->waiters.empty()) {
    Flight::Told told = std::move(flight->waiters.front().told);
    flight->waiters.pop_front();
    told(flight->verdict.get());
  }
}

void Flights::WakeWaiters() {
  std::vector<std::shared_ptr<Flight>> flights;
  flights.reserve(flights_.size());
  for (const auto& [key, flight] : flights_) flights.push_back(flight);
  for (const std::shared_ptr<Flight>& flight : flights) {
    // One after another: what one is told may make another go.
    for (size_t left = flight->waiters.size(); left > 0; --left) {
      const auto next = std::find_if(flight->waiters.begin(), flight->waiters.end(),
                                     [](const Flight::Waiter& waiter) { return waiter.patience.set(); });
      if (next == flight->waiters.end()) break;
      GiveUp(*next);
    }
  }
}

}  // namespace verifyd
