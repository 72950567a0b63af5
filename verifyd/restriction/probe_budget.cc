#include "verifyd/restriction/probe_budget.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kMaxCounts = 100000;

// Above all that is an IPv6 network of 64 bits: multicast has no clients.
constexpr uint64_t kIpv4 = uint64_t{0xffffffff} << 32;

uint64_t Number(const uint8_t* bytes, int count) {
  uint64_t number = 0;
  for (int i = 0; i < count; ++i) number = number << 8 | bytes[i];
  return number;
}

std::optional<uint64_t> Ipv4Client(const uint8_t* address) {
  if (address[0] == IN_LOOPBACKNET) return std::nullopt;
  return kIpv4 | Number(address, 4);
}

// None where there is no client to hold to account.
std::optional<uint64_t> ClientOf(absl::string_view address) {
  if (address.empty() || address.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  const std::string text(address);
  std::array<uint8_t, 16> bytes = {};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return Ipv4Client(bytes.data());
  in6_addr v6 = {};
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1 || IN6_IS_ADDR_LOOPBACK(&v6)) return std::nullopt;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return Ipv4Client(v6.s6_addr + 12);
  return Number(v6.s6_addr, 8);
}

}  // namespace

ProbeBudget::Count& ProbeBudget::Find(Counts& counts, uint64_t key) const {
  const MonoTime now = clock_.Mono();
  if (now - counts.begun >= counts.length || counts.counts.size() >= kMaxCounts) {
    counts.counts.clear();
    counts.begun = now;
  }
  return counts.counts[key];
}

bool ProbeBudget::Take(absl::string_view client_address, absl::string_view instance,
                       const ProbeBudgetSettings& settings) {
  Count nobody;
  const std::optional<uint64_t> key = ClientOf(client_address);
  Count& client = key.has_value() ? Find(clients_, *key) : nobody;
  Count& message = instance.empty() ? nobody : Find(messages_, absl::Hash<absl::string_view>()(instance));
  const bool client_over = settings.client_limit > 0 && client.taken >= settings.client_limit;
  const bool message_over = settings.message_limit > 0 && message.taken >= settings.message_limit;
  if (!client_over && !message_over) {
    ++client.taken;
    ++message.taken;
    return true;
  }
  Count& teller = key.has_value() ? client : message;
  if (std::exchange(teller.said, true)) return false;
  LogWarning(
      absl::StrCat("client ", client_address.empty() ? "unknown" : Printable(client_address, 60), " has had more than ",
                   client_over ? absl::StrCat(settings.client_limit, " new addresses asked about in a minute ",
                                              "(client_new_probe_rate_limit)")
                               : absl::StrCat(settings.message_limit, " new addresses asked about for one message ",
                                              "(message_new_probe_limit)"),
                   ": further ones are answered from memory only"));
  return false;
}

}  // namespace verifyd
