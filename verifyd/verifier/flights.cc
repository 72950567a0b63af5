#include "verifyd/verifier/flights.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/exception_text.h"
#include "base/log.h"

namespace verifyd {

namespace {

// Whoever fails when he is told is alone in that: others wait, too.
void Tell(Flight::Told told, const Verdict* verdict) {
  try {
    told(verdict);
  } catch (...) {
    LogError(absl::StrCat("internal error: a question's answer ended with an exception: ", ExceptionText()));
  }
}

}  // namespace

Landing::~Landing() {
  if (flight_ == nullptr || flight_->home == nullptr) return;
  // An exception may be under way: nobody is told anything now.
  flight_->home->loop_.Post([flight = std::move(flight_)] {
    if (flight->home != nullptr) flight->home->Land(flight, flight->home->failed_(*flight));
  });
}

void Landing::Land(Verdict verdict) {
  const std::shared_ptr<Flight> flight = std::move(flight_);
  flight->home->Land(flight, std::move(verdict));
}

Flights::~Flights() {
  for (const std::shared_ptr<Flight>& flight : flights_) flight->home = nullptr;
}

Ticket Flights::Join(const Address& address, Shares::Party party) {
  Ticket ticket;
  if (const auto found = flights_.find(address); found != flights_.end()) {
    ticket.flight = *found;
    return ticket;
  }
  ticket.flight = std::make_shared<Flight>(address, party, *this);
  flights_.insert(ticket.flight);
  places_.Take(party);
  ticket.landing.emplace(ticket.flight);
  return ticket;
}

boost::asio::awaitable<void> Flights::Enter(const Flight& /*flight*/) { co_return; }

void Flights::Wait(Flight& flight, absl::Duration patience, Flight::Told told, bool to_its_end) {
  if (!to_its_end && flight.accepted != nullptr) return told(flight.accepted.get());
  // In front those whom Accept tells: it need not look for them.
  const auto place = to_its_end ? flight.waiters.end() : flight.waiters.begin();
  const auto self = flight.waiters.emplace(place, flight, loop_.timers(), std::move(told));
  Flight::Waiter& waiter = *self;
  waiter.to_its_end = to_its_end;
  waiter.self = self;
  if (patience == absl::InfiniteDuration()) return;
  waiter.seated = true;
  seats_.Take(flight.party);
  waiter.patience.SetAt(loop_.clock().Mono() + patience, [this, &waiter] { GiveUp(waiter); });
}

Flight::Told Flights::Leave(Flight::Waiter& waiter) {
  Flight::Told told = std::move(waiter.told);
  Flight& flight = waiter.flight;
  if (waiter.seated) seats_.GiveBack(flight.party);
  flight.waiters.erase(waiter.self);
  return told;
}

void Flights::GiveUp(Flight::Waiter& waiter) {
  const Verdict* const accepted = waiter.flight.accepted.get();
  Tell(Leave(waiter), accepted);
}

void Flights::Accept(Flight& flight, Verdict verdict) {
  flight.accepted = std::make_unique<const Verdict>(std::move(verdict));
  // What one is told may make others go. Nobody comes: who does not wait to its end is told at once from now on.
  while (!flight.waiters.empty() && !flight.waiters.front().to_its_end) GiveUp(flight.waiters.front());
}

void Flights::Land(const std::shared_ptr<Flight>& flight, Verdict verdict) {
  flight->verdict = std::make_unique<const Verdict>(std::move(verdict));
  if (flights_.erase(flight) > 0) places_.GiveBack(flight->party);
  // What one is told may make him ask again, or others go.
  while (!flight->waiters.empty()) Tell(Leave(flight->waiters.front()), flight->verdict.get());
}

void Flights::WakeWaiters() {
  std::vector<std::shared_ptr<Flight>> flights;
  flights.reserve(flights_.size());
  for (const std::shared_ptr<Flight>& flight : flights_) flights.push_back(flight);
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
