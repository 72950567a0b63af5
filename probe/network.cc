#include "probe/network.h"

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
#include "base/text.h"

namespace verifyd {
namespace {

using Bits = std::array<uint8_t, 16>;
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

std::optional<Bits> ToBits(absl::string_view address) {
  if (address.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  const std::string text(address);
  if (in_addr v4{}; inet_pton(AF_INET, text.c_str(), &v4) == 1) return Mapped(reinterpret_cast<const uint8_t*>(&v4));
  Bits bits;
  if (inet_pton(AF_INET6, text.c_str(), bits.data()) == 1) return bits;
  return std::nullopt;
}

bool Covers(const Bits& network, int prefix, const Bits& address) {
  const int whole = prefix / 8;
  if (!std::equal(network.begin(), network.begin() + whole, address.begin())) return false;
  const int rest = prefix % 8;
  return rest == 0 || (network[whole] ^ address[whole]) >> (8 - rest) == 0;
}

bool HasBitsBeyond(const Bits& bits, int prefix) {
  for (int bit = prefix; bit < 128; ++bit) {
    if ((bits[bit / 8] >> (7 - bit % 8)) & 1) return true;
  }
  return false;
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

absl::StatusOr<NetworkList> NetworkList::Parse(absl::string_view text) {
  NetworkList list;
  for (const absl::string_view item : SplitList(text)) {
    const size_t slash = item.find('/');
    absl::string_view address = item.substr(0, slash);
    const bool bracketed = absl::ConsumePrefix(&address, "[");
    if (bracketed && !absl::ConsumeSuffix(&address, "]")) return BadItem(item, "a closing bracket");
    const std::optional<Bits> bits = ToBits(address);
    if (!bits.has_value()) return BadItem(item, "an IPv4 or IPv6 address, with /PREFIX or without");
    const bool ipv4 = !absl::StrContains(address, ':');
    const int width = ipv4 ? 32 : 128;
    int prefix = width;
    if (slash != absl::string_view::npos &&
        (!absl::SimpleAtoi(item.substr(slash + 1), &prefix) || prefix < 0 || prefix > width)) {
      return BadItem(item, absl::StrCat("a prefix length from 0 to ", width));
    }
    if (ipv4) prefix += kMappedBits;
    if (HasBitsBeyond(*bits, prefix)) return BadItem(item, "no bits set beyond the prefix");
    list.networks_.push_back({*bits, prefix});
  }
  return list;
}

bool NetworkList::Contains(absl::string_view address) const {
  const std::optional<Bits> bits = ToBits(address);
  if (!bits.has_value()) return false;
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    // ::/0 means IPv6, not IPv4 in its mapped form.
    if (network.prefix < kMappedBits && IsMapped(*bits)) return false;
    return Covers(network.bits, network.prefix, *bits);
  });
}

bool IsIpAddress(absl::string_view text) { return ToBits(text).has_value(); }

bool IsBogusAddress(absl::string_view address) {
  const std::optional<Bits> found = ToBits(address);
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
