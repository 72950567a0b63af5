// Every accepted address keeps its limits, and comes back the same through each of its written forms.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "base/text.h"
#include "mail/address.h"

namespace {

void Check(bool holds) {
  if (!holds) abort();
}

void CheckError(const absl::Status& status) {
  const absl::string_view message = status.message();
  Check(absl::StartsWith(message, "byte "));
  Check(verifyd::Printable(message, message.size()) == message);
}

void CheckAddress(const absl::StatusOr<verifyd::Address>& address) {
  using verifyd::Address;
  if (!address.ok()) return CheckError(address.status());
  Check(!address->local().empty());
  Check(!address->domain().empty() && address->domain().size() <= Address::kMaxDomain);
  const std::string key = address->Key();
  Check(key.size() <= Address::kMaxAddress && address->ToSmtp().size() <= Address::kMaxAddress);
  Check(verifyd::Printable(key, key.size()) == key);
  Check(address->domain_is_literal() == !address->literal_ip().empty());
  Check(Address::Parse(address->ToSmtp()) == address);
  Check(Address::FromUnquoted(key) == address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  CheckAddress(verifyd::Address::Parse(text));
  CheckAddress(verifyd::Address::FromUnquoted(text));
  if (const auto named = verifyd::Address::DomainOf(text); named.ok()) {
    Check(named->local().empty() && !named->domain().empty() && named->domain().size() <= verifyd::Address::kMaxDomain);
  } else {
    CheckError(named.status());
  }
  const absl::StatusOr<std::string> domain = verifyd::ParseDomain(text);
  if (!domain.ok()) {
    CheckError(domain.status());
  } else {
    Check(verifyd::ParseDomain(*domain) == domain);
  }
  return 0;
}
