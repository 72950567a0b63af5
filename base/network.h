// IP networks, and which addresses no mail server on the Internet has.
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_BASE_NETWORK_H_
#define VERIFYD_BASE_NETWORK_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

// An IP address; that of IPv4 as ::ffff:a.b.c.d.
using AddressBits = std::array<uint8_t, 16>;

// Nothing for what is not an address.
std::optional<AddressBits> ParseIpAddress(absl::string_view text);
// What is left of it when all bits beyond the first `prefix` are 0.
AddressBits MaskedTo(int prefix, AddressBits address);

struct Network {
  AddressBits bits = {};
  int prefix = 0;  // of the 128 bits: 96 more than is written where the network is of IPv4

  // A CIDR block or a single address: "127.0.0.0/8", "[::1]/128", "192.0.2.1". Errors name it and what was expected;
  // bits beyond the prefix are an error, as in Postfix.
  static absl::StatusOr<Network> Parse(absl::string_view text);

  // ::/0 is IPv6, it has no address of IPv4.
  bool OfSameFamily(const AddressBits& address) const;
  bool Contains(const AddressBits& address) const;
  friend bool operator==(const Network&, const Network&) = default;
};

class NetworkList {
 public:
  // Networks, separated by commas or white space. Errors as of Network::Parse.
  static absl::StatusOr<NetworkList> Parse(absl::string_view text);

  // False for what is not an address. An IPv4-mapped IPv6 address is the IPv4 address it holds.
  bool Contains(absl::string_view address) const;
  bool empty() const { return networks_.empty(); }
  friend bool operator==(const NetworkList&, const NetworkList&) = default;

 private:
  std::vector<Network> networks_;
};

// The addresses of this machine's interfaces, as text; empty when the system does not say.
std::vector<std::string> InterfaceAddresses();

// True for an IPv4 or IPv6 address in text form, without brackets or zone.
bool IsIpAddress(absl::string_view text);

// True for addresses that no public mail server has (RFC 6890 and its like): this host, loopback, private, link local,
// shared (100.64/10), documentation, benchmarking, multicast, reserved, unspecified; for IPv6 also unique local,
// discard-only, Teredo, and what carries an IPv4 address of the above (mapped, NAT64, 6to4). False for what does not
// parse.
bool IsBogusAddress(absl::string_view address);

}  // namespace verifyd

#endif  // VERIFYD_BASE_NETWORK_H_
