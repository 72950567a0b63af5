// The first octet picks the type; the rest is a message that claims to answer it for example.com.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "dns/answer.h"

namespace {

using verifyd::DnsAnswer;
using verifyd::DnsStatus;
using verifyd::DnsType;

constexpr DnsType kTypes[] = {DnsType::kMx,   DnsType::kA,     DnsType::kAaaa, DnsType::kTxt,
                              DnsType::kTlsa, DnsType::kCname, DnsType::kSoa,  DnsType::kPtr};

void Require(bool holds) {
  if (!holds) std::abort();
}

// A name has at most 255 octets; each is written with at most four characters.
void RequireName(const std::string& name) {
  Require(name.size() <= 4 * size_t{255});
  for (const char c : name) Require(absl::ascii_isgraph(static_cast<unsigned char>(c)) && !absl::ascii_isupper(c));
}

size_t RecordsOf(const DnsAnswer& answer, DnsType type) {
  switch (type) {
    case DnsType::kMx:
      return answer.mx.size();
    case DnsType::kA:
    case DnsType::kAaaa:
      return answer.addresses.size();
    case DnsType::kTxt:
      return answer.texts.size();
    case DnsType::kTlsa:
      return answer.tlsa.size();
    case DnsType::kPtr:
      return answer.names.size();
    case DnsType::kCname:
    case DnsType::kSoa:
      return 0;
  }
  return 0;
}

void RequireSound(const DnsAnswer& answer, DnsType type) {
  const size_t all =
      answer.mx.size() + answer.addresses.size() + answer.texts.size() + answer.tlsa.size() + answer.names.size();
  const bool has_no_data = type == DnsType::kCname || type == DnsType::kSoa;
  Require(all == RecordsOf(answer, type) && all <= 512);
  Require((answer.status == DnsStatus::kOk && !has_no_data) == (all > 0));
  Require(answer.status != DnsStatus::kTimeout && answer.status != DnsStatus::kOverload);
  Require(answer.ttl >= absl::ZeroDuration() && answer.ttl <= absl::Seconds(0x7fffffff));
  Require(!answer.truncated || answer.status == DnsStatus::kMalformed || answer.status == DnsStatus::kServfail ||
          answer.status == DnsStatus::kRefused);
  RequireName(answer.canonical_name);
  for (const auto& mx : answer.mx) RequireName(mx.exchange);
  for (const auto& name : answer.names) RequireName(name);
  for (const auto& address : answer.addresses) {
    Require((address.find(':') != std::string::npos) == (type == DnsType::kAaaa));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const DnsType type = kTypes[data[0] % std::size(kTypes)];
  const absl::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  RequireSound(verifyd::ParseDnsAnswer(message, "example.com", type), type);
  return 0;
}
