#include "base/network.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace verifyd {
namespace {

using Bits = AddressBits;
constexpr int kMappedBits = 96;  // of ::ffff:0:0/96

bool IsMapped(const Bits& bits) {
  return std::all_of(bits.begin(), bits.begin() + 10, [](uint8_t b) { return b == 0; }) && bits[10] == 0xff &&
         bits[11] == 0xff;
}

Bits Mapped(const uint8_t* ipv4) {
  Bits bits{};
  bits[10] = bits[11] = 0xff;
  std::copy_n(ipv4, 4, bits.begin() + 12);
  return bits;
}

bool Covers(const Bits& network, int prefix, const Bits& address) {
  const int whole = prefix / 8;
  if (!std::equal(network.begin(), network.begin() + whole, address.begin())) return false;
  const int rest = prefix % 8;
  return rest == 0 || (network[whole] ^ address[whole]) >> (8 - rest) == 0;
}

struct Block {
  uint8_t first[4];
  int prefix;
};

// IANA's special-purpose registry for IPv4, without the entries that lie inside another.
constexpr Block kBogusIpv4[] = {
    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},     {{100, 64, 0, 0}, 10}, {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12},  {{192, 0, 0, 0}, 24},  {{192, 0, 2, 0}, 24},
    {{192, 88, 99, 0}, 24}, {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15}, {{198, 51, 100, 0}, 24},
    {{203, 0, 113, 0}, 24}, {{224, 0, 0, 0}, 4},    {{240, 0, 0, 0}, 4},
};

bool IsBogusIpv4(const uint8_t* address) {
  const Bits bits = Mapped(address);
  return std::any_of(std::begin(kBogusIpv4), std::end(kBogusIpv4),
                     [&](const Block& block) { return Covers(Mapped(block.first), kMappedBits + block.prefix, bits); });
}

absl::Status BadItem(absl::string_view item, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("network \"", Printable(item, 100), "\": expected ", expected));
}

}  // namespace

std::optional<AddressBits> ParseIpAddress(absl::string_view address) {
  if (address.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  const std::string text(address);
  if (in_addr v4{}; inet_pton(AF_INET, text.c_str(), &v4) == 1) return Mapped(reinterpret_cast<const uint8_t*>(&v4));
  AddressBits bits;
  if (inet_pton(AF_INET6, text.c_str(), bits.data()) == 1) return bits;
  return std::nullopt;
}

AddressBits MaskedTo(int prefix, AddressBits address) {
  const int whole = prefix / 8;
  if (whole < static_cast<int>(address.size())) {
    address[whole] &= static_cast<uint8_t>(0xff00 >> prefix % 8);
    std::fill(address.begin() + whole + 1, address.end(), uint8_t{0});
  }
  return address;
}

absl::StatusOr<Network> Network::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  absl::string_view address = text.substr(0, slash);
  const bool bracketed = absl::ConsumePrefix(&address, "[");
  if (bracketed && !absl::ConsumeSuffix(&address, "]")) return BadItem(text, "a closing bracket");
  const std::optional<AddressBits> bits = ParseIpAddress(address);
  if (!bits.has_value()) return BadItem(text, "an IPv4 or IPv6 address, with /PREFIX or without");
  const bool ipv4 = !absl::StrContains(address, ':');
  const int width = ipv4 ? 32 : 128;
  int prefix = width;
  if (slash != absl::string_view::npos &&
      (!absl::SimpleAtoi(text.substr(slash + 1), &prefix) || prefix < 0 || prefix > width)) {
    return BadItem(text, absl::StrCat("a prefix length from 0 to ", width));
  }
  if (ipv4) prefix += kMappedBits;
  if (MaskedTo(prefix, *bits) != *bits) return BadItem(text, "no bits set beyond the prefix");
  return Network{.bits = *bits, .prefix = prefix};
}

bool Network::OfSameFamily(const AddressBits& address) const {
  return (prefix >= kMappedBits && IsMapped(bits)) == IsMapped(address);
}

bool Network::Contains(const AddressBits& address) const {
  return OfSameFamily(address) && Covers(bits, prefix, address);
}

absl::StatusOr<NetworkList> NetworkList::Parse(absl::string_view text) {
  NetworkList list;
  for (const absl::string_view item : SplitList(text)) {
    ASSIGN_OR_RETURN(const Network network, Network::Parse(item));
    list.networks_.push_back(network);
  }
  return list;
}

bool NetworkList::Contains(absl::string_view address) const {
  const std::optional<AddressBits> bits = ParseIpAddress(address);
  return bits.has_value() && std::any_of(networks_.begin(), networks_.end(),
                                         [&](const Network& network) { return network.Contains(*bits); });
}

bool IsIpAddress(absl::string_view text) { return ParseIpAddress(text).has_value(); }

bool IsBogusAddress(absl::string_view address) {
  const std::optional<AddressBits> found = ParseIpAddress(address);
  if (!found.has_value()) return false;
  const Bits& bits = *found;
  if (IsMapped(bits)) return IsBogusIpv4(bits.data() + 12);
  constexpr Bits kNat64 = {0, 0x64, 0xff, 0x9b};
  if (Covers(kNat64, 96, bits)) return IsBogusIpv4(bits.data() + 12);
  if ((bits[0] & 0xe0) != 0x20) return true;  // not global unicast, 2000::/3
  constexpr Bits k6to4 = {0x20, 0x02};
  if (Covers(k6to4, 16, bits)) return IsBogusIpv4(bits.data() + 2);
  constexpr Bits kProtocolAssignments = {0x20, 0x01};  // 2001::/23: Teredo, benchmarking, ORCHID
  constexpr Bits kDocumentation = {0x20, 0x01, 0x0d, 0xb8};
  constexpr Bits kDocumentation2 = {0x3f, 0xff};  // 3fff::/20, RFC 9637
  return Covers(kProtocolAssignments, 23, bits) || Covers(kDocumentation, 32, bits) ||
         Covers(kDocumentation2, 20, bits);
}

std::vector<std::string> InterfaceAddresses() {
  std::vector<std::string> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    const void* bits = nullptr;
    if (family == AF_INET) bits = &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
    if (family == AF_INET6) bits = &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
    std::array<char, INET6_ADDRSTRLEN> text = {};
    if (bits != nullptr && inet_ntop(family, bits, text.data(), text.size()) != nullptr) {
      addresses.emplace_back(text.data());
    }
  }
  freeifaddrs(list);
  return addresses;
}

}  // namespace verifyd
