// Limits by address, for public destinations. A destination is a set of exchange names (probe/destination.h), and
// whoever has a zone of his own makes as many of those as he likes and leads them all to one address: for each he would
// get connections to somebody else's server from us. So what the operator allows at one destination holds at one
// address, too, and kNetworkTimes as much at its neighbours together (an IPv4 /24, an IPv6 /64), which are mostly one
// owner's; a large provider spreads its names over many.
//
// Where an operator allows more at a single destination (destination_settings), its addresses bear more, whoever asks.
// Who waits at an address takes turns by owner (probe/fair_line.h): a thousand names of one zone take turns as one with
// those whose server it is. A second connection that a session makes in place of its first is not counted.
//
// There is an entry for an address while somebody is connected or waits, and a moment longer.
//
// Thread: the prober loop only. Of several prober loops each has limits of its own.
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
  // What one session takes at its addresses, until it goes out of scope; the limits must outlive it.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept;
    Place& operator=(Place&& other) noexcept;
    ~Place() { GiveBack(); }

    // It is connected to: its part of the rate is used up.
    void Use() { used_ = true; }
    bool IsFor(const std::vector<Endpoint>& endpoints) const;
    // Somebody waits where it is.
    bool contested() const;

   private:
    friend class AddressLimits;
    void GiveBack();

    AddressLimits* limits_ = nullptr;
    absl::InlinedVector<Gate*, 2> gates_;
    std::vector<std::string> addresses_;
    bool used_ = false;
  };

  // Takes a place at once at all of `endpoints`, of which one or all will be dialed. False: it has to be waited for.
  bool TryEnter(const std::vector<Endpoint>& endpoints, const PaceLimits& allowed, Place& place);
  // Waits for one. False when `deadline` came first. These must live until it returns.
  boost::asio::awaitable<bool> Enter(const std::vector<Endpoint>& endpoints, const PaceLimits& allowed,
                                     const std::string& owner, MonoTime deadline, Place& place);

  size_t size() const { return gates_.size(); }

 private:
  // Where an endpoint has to pass, the address before the network, IPv4 before IPv6: all who wait wait in this order.
  std::vector<Gate*> GatesOf(const std::vector<Endpoint>& endpoints, const PaceLimits& allowed);
  Gate& GateAt(const std::string& key, const PaceLimits& allowed, int times);
  bool Passes(Gate& gate);
  void Serve(Gate& gate);
  void AwaitNext(Gate& gate);
  void Leave(Gate& gate, bool used);
  void ForgetIdle();

  Loop& loop_;
  absl::flat_hash_map<std::string, std::unique_ptr<Gate>>
      gates_;  // by the bytes of an address, or of what it begins with
  size_t forget_at_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ADDRESS_LIMITS_H_
