#include "verifyd/restriction/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <string>

#include "absl/hash/hash.h"

namespace verifyd {
namespace {

// These upper bits are multicast's in IPv6, so no client's network of 64 bits has them.
constexpr uint64_t kIpv4 = uint64_t{0xffffffff} << 32;

uint64_t Number(const uint8_t* bytes, int count) {
  uint64_t number = 0;
  for (int i = 0; i < count; ++i) number = number << 8 | bytes[i];
  return number;
}

uint64_t Ipv4Client(const uint8_t* address) { return address[0] == IN_LOOPBACKNET ? 0 : kIpv4 | Number(address, 4); }

}  // namespace

uint64_t ClientNumber(absl::string_view address) {
  if (address.empty() || address.size() >= INET6_ADDRSTRLEN) return 0;
  const std::string text(address);
  std::array<uint8_t, 16> bytes = {};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return Ipv4Client(bytes.data());
  in6_addr v6 = {};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1 || IN6_IS_ADDR_LOOPBACK(&v6)) return 0;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return Ipv4Client(v6.s6_addr + 12);
  return Number(v6.s6_addr, 8);
}

uint64_t AskerOf(const MailRequest& request) {
  return request.sasl_username.empty() ? ClientNumber(request.client_address) : absl::HashOf(request.sasl_username);
}

}  // namespace verifyd
