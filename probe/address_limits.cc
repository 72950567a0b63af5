#include "probe/address_limits.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "base/timer.h"
#include "base/token_bucket.h"
#include "probe/fair_line.h"

namespace verifyd {
namespace {

// With so many entries the idle ones are looked for, and forgotten.
constexpr size_t kManyGates = 1024;
// An entry's bucket is full again after so long, at the least rate that makes sense.
constexpr absl::Duration kGateMemory = absl::Seconds(10);

// Returns an empty text where there is no address (a UNIX socket).
std::string BytesOf(const std::string& address) {
  char bytes[16];
  if (inet_pton(AF_INET, address.c_str(), bytes) == 1) return std::string(bytes, 4);
  if (inet_pton(AF_INET6, address.c_str(), bytes) == 1) return std::string(bytes, 16);
  return "";
}

}  // namespace

struct AddressLimits::Gate {
  explicit Gate(Loop& loop) : line(loop), next(loop.timers()) {}
  int limit = 0;
  int in_use = 0;  // with waiters that were called, but do not run yet
  TokenBucket new_ones{absl::Seconds(1)};
  FairLine line;
  Timer next;
  MonoTime left;
};

AddressLimits::Place::Place(Place&& other) noexcept { *this = std::move(other); }

AddressLimits::Place& AddressLimits::Place::operator=(Place&& other) noexcept {
  std::swap(limits_, other.limits_);
  std::swap(gates_, other.gates_);
  std::swap(addresses_, other.addresses_);
  std::swap(used_, other.used_);
  return *this;
}

bool AddressLimits::Place::IsFor(const std::vector<Endpoint>& endpoints) const {
  return std::equal(addresses_.begin(), addresses_.end(), endpoints.begin(), endpoints.end(),
                    [](const std::string& address, const Endpoint& endpoint) { return address == endpoint.address; });
}

bool AddressLimits::Place::contested() const {
  return std::any_of(gates_.begin(), gates_.end(),
                     [](const Gate* gate) { return gate->line.waiting() > 0 && gate->in_use >= gate->limit; });
}

void AddressLimits::Place::GiveBack() {
  for (Gate* const gate : std::exchange(gates_, {})) limits_->Leave(*gate, used_);
}

AddressLimits::AddressLimits(Loop& loop) : loop_(loop), forget_at_(kManyGates) {}

AddressLimits::~AddressLimits() = default;

std::vector<AddressLimits::Gate*> AddressLimits::GatesOf(const std::vector<Endpoint>& endpoints,
                                                         const PaceLimits& allowed) {
  if (gates_.size() >= forget_at_) ForgetIdle();
  std::vector<Gate*> gates;
  for (const bool ipv6 : {false, true}) {
    for (const Endpoint& endpoint : endpoints) {
      const std::string address = BytesOf(endpoint.address);
      if (address.empty() || (address.size() == 16) != ipv6) continue;
      gates.push_back(&GateAt(address, allowed, 1));
      gates.push_back(&GateAt(address.substr(0, ipv6 ? 8 : 3), allowed, kNetworkTimes));
    }
  }
  return gates;
}

AddressLimits::Gate& AddressLimits::GateAt(const std::string& key, const PaceLimits& allowed, int times) {
  std::unique_ptr<Gate>& gate = gates_[key];
  const int connections = allowed.connections * times;
  const double rate = allowed.connections_per_second * times;
  if (gate == nullptr) {
    gate = std::make_unique<Gate>(loop_);
    gate->limit = connections;
    gate->new_ones.SetRate(rate);
    gate->left = loop_.clock().Mono();
    return *gate;
  }
  gate->limit = std::max(gate->limit, connections);
  const double known = gate->new_ones.rate();
  if (known > 0 && (rate == 0 || rate > known)) gate->new_ones.SetRate(rate);
  return *gate;
}

bool AddressLimits::Passes(Gate& gate) {
  if (gate.in_use >= gate.limit || gate.new_ones.Take(1, loop_.clock().Mono()) == 0) return false;
  ++gate.in_use;
  return true;
}

bool AddressLimits::TryEnter(const std::vector<Endpoint>& endpoints, const PaceLimits& allowed, Place& place) {
  Place taken;
  taken.limits_ = this;
  for (Gate* const gate : GatesOf(endpoints, allowed)) {
    if (gate->line.waiting() > 0 || !Passes(*gate)) return false;
    taken.gates_.push_back(gate);
  }
  for (const Endpoint& endpoint : endpoints) taken.addresses_.push_back(endpoint.address);
  place = std::move(taken);
  return true;
}

boost::asio::awaitable<bool> AddressLimits::Enter(const std::vector<Endpoint>& endpoints, const PaceLimits& allowed,
                                                  const std::string& owner, MonoTime deadline, Place& place) {
  Place taken;
  taken.limits_ = this;
  // Look the entries up anew each time: an unused one may be forgotten while another is waited for.
  const size_t count = GatesOf(endpoints, allowed).size();
  for (size_t i = 0; i < count; ++i) {
    Gate& gate = *GatesOf(endpoints, allowed)[i];
    if (gate.line.waiting() > 0 || !Passes(gate)) {
      AwaitNext(gate);
      if (!co_await gate.line.Wait(owner, deadline)) co_return false;
    }
    taken.gates_.push_back(&gate);
  }
  for (const Endpoint& endpoint : endpoints) taken.addresses_.push_back(endpoint.address);
  place = std::move(taken);
  co_return true;
}

// Calls the waiters for which there is room now.
void AddressLimits::Serve(Gate& gate) {
  while (gate.line.waiting() > 0) {
    if (!Passes(gate)) return AwaitNext(gate);
    gate.line.CallNext();
  }
}

// Calls the next waiter when the rate allows one more. Where the gate is full, the next session that leaves does so.
void AddressLimits::AwaitNext(Gate& gate) {
  if (gate.in_use >= gate.limit || gate.next.set()) return;
  gate.next.SetAt(gate.new_ones.Next(loop_.clock().Mono()), [this, &gate] { Serve(gate); });
}

void AddressLimits::Leave(Gate& gate, bool used) {
  --gate.in_use;
  gate.left = loop_.clock().Mono();
  if (!used) gate.new_ones.GiveBack(1);
  Serve(gate);
}

void AddressLimits::ForgetIdle() {
  const MonoTime now = loop_.clock().Mono();
  absl::erase_if(gates_, [&](const auto& entry) {
    const Gate& gate = *entry.second;
    return gate.in_use == 0 && gate.line.waiting() == 0 && now - gate.left >= kGateMemory;
  });
  forget_at_ = std::max(kManyGates, 2 * gates_.size());
}

}  // namespace verifyd
