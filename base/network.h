// IP networks, and the addresses that no mail server on the Internet has.
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

// An IP address. IPv4 is held as ::ffff:a.b.c.d.
using AddressBits = std::array<uint8_t, 16>;

// Nothing where `text` is no address.
std::optional<AddressBits> ParseIpAddress(absl::string_view text);
// Returns `address` with all bits beyond the first `prefix` cleared.
AddressBits MaskedTo(int prefix, AddressBits address);

struct Network {
  AddressBits bits = {};
  int prefix = 0;  // of the 128 bits; an IPv4 network has 96 more than is written

  // Parses a CIDR block or a single address: "127.0.0.0/8", "[::1]/128", "192.0.2.1". Errors name it and what was
  // expected; bits beyond the prefix are an error, as in Postfix.
  static absl::StatusOr<Network> Parse(absl::string_view text);

  // ::/0 is IPv6: it contains no IPv4 address.
  bool OfSameFamily(const AddressBits& address) const;
  bool Contains(const AddressBits& address) const;
  friend bool operator==(const Network&, const Network&) = default;
};

class NetworkList {
 public:
  // Networks are separated by commas or white space. Errors as of Network::Parse.
  static absl::StatusOr<NetworkList> Parse(absl::string_view text);

  // False where `address` is no address. An IPv4-mapped IPv6 address is the IPv4 address it holds.
  bool Contains(absl::string_view address) const;
  bool empty() const { return networks_.empty(); }
  friend bool operator==(const NetworkList&, const NetworkList&) = default;

 private:
  std::vector<Network> networks_;
};

// Returns the addresses of this machine's interfaces as text; empty when the system does not say.
std::vector<std::string> InterfaceAddresses();

// Returns true for an IPv4 or IPv6 address in text form, without brackets or zone.
bool IsIpAddress(absl::string_view text);

// Returns true for addresses that no public mail server has (RFC 6890 and its like): this host, loopback, private, link
// local, shared (100.64/10), documentation, benchmarking, multicast, reserved, unspecified; for IPv6 also unique local,
// discard-only, Teredo, and addresses that carry an IPv4 address of the above (mapped, NAT64, 6to4). False where
// `address` does not parse.
bool IsBogusAddress(absl::string_view address);

}  // namespace verifyd

#endif  // VERIFYD_BASE_NETWORK_H_
