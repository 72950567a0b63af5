// Limits by address, for public destinations. A destination is a set of exchange names (probe/destination.h). The owner
// of a zone makes up as many of those as he likes and leads them all to one address: for each he would get connections
// to somebody else's server from us. So the operator's limits for one destination hold for one address, too. Its
// neighbours together (an IPv4 /24, an IPv6 /64), mostly one owner's, may have kNetworkTimes as much; a large provider
// spreads its names over many.
//
// Where an operator allows more at a single destination (destination_settings), its addresses bear more, for other
// destinations, too. The waiters at an address take turns by owner (probe/fair_line.h): a thousand names of one zone
// take turns as one with the owner of the server. A second connection that a session makes in place of its first is not
// counted.
//
// An address has an entry while a session is connected or waits there, and a moment longer.
//
// Thread: the prober loop only. Each prober loop has limits of its own.
#ifndef VERIFYD_PROBE_ADDRESS_LIMITS_H_
#define VERIFYD_PROBE_ADDRESS_LIMITS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "probe/pace.h"
#include "stream/dialer.h"

namespace verifyd {

class AddressLimits {
 public:
  static constexpr int kNetworkTimes = 4;

  explicit AddressLimits(Loop& loop);
  ~AddressLimits();
  AddressLimits(const AddressLimits&) = delete;
  AddressLimits& operator=(const AddressLimits&) = delete;

 private:
  struct Gate;

 public:
  // The place of one session at its addresses, until it goes out of scope. The limits must outlive it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    ~Place() { GiveBack(); }

    // Uses up the place's part of the rate: a connection is made.
    void Use() { used_ = true; }
    bool IsFor(const std::vector<Endpoint>& endpoints) const;
    // True if others wait at an address of it that is full.
    bool contested() const;

   private:
    friend class AddressLimits;
    void GiveBack();

    AddressLimits* limits_ = nullptr;
    absl::InlinedVector<Gate*, 2> gates_;
    std::vector<std::string> addresses_;
    bool used_ = false;
  };

  // Takes a place at once at all of `endpoints`; one or all of them will be dialed. Returns false if it has to wait.
  bool TryEnter(const std::vector<Endpoint>& endpoints, const PaceLimits& allowed, Place& place);
  // Waits for a place. Returns false if `deadline` came first. The limits must live until it returns.
  boost::asio::awaitable<bool> Enter(const std::vector<Endpoint>& endpoints, const PaceLimits& allowed,
                                     const std::string& owner, MonoTime deadline, Place& place);

  size_t size() const { return gates_.size(); }

 private:
  // Returns the gates to pass: the address before its network, IPv4 before IPv6. All waiters wait in this order.
  std::vector<Gate*> GatesOf(const std::vector<Endpoint>& endpoints, const PaceLimits& allowed);
  Gate& GateAt(const std::string& key, const PaceLimits& allowed, int times);
  bool Passes(Gate& gate);
  void Serve(Gate& gate);
  void AwaitNext(Gate& gate);
  void Leave(Gate& gate, bool used);
  void ForgetIdle();

  Loop& loop_;
  absl::flat_hash_map<std::string, std::unique_ptr<Gate>> gates_;  // by the bytes of an address or network
  size_t forget_at_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ADDRESS_LIMITS_H_
