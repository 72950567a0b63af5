#include "verifyd/flights.h"

namespace verifyd {

boost::asio::awaitable<Ticket> Flights::Enter(std::string key) {
  Ticket ticket;
  const auto [it, inserted] = flights_.try_emplace(key);
  if (inserted) it->second = std::make_shared<Flight>(loop_, std::move(key));
  ticket.flight = it->second;
  ticket.leads = inserted;
  co_return ticket;
}

void Flights::Land(const std::shared_ptr<Flight>& flight, Verdict verdict) {
  flight->verdict = std::move(verdict);
  flights_.erase(flight->key);
  flight->landed.NotifyAll();
}

void Flights::WakeWaiters() {
  for (const auto& [key, flight] : flights_) flight->landed.NotifyAll();
}

}  // namespace verifyd
