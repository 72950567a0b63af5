#include "verifyd/door/lookup_protocol.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "mail/address.h"

namespace verifyd {
namespace {

// Postfix looks recipients up in both forms.
std::string Unquoted(absl::string_view text) {
  if (absl::StartsWith(text, "\"")) {
    const absl::StatusOr<Address> address = Address::Parse(text);
    if (address.ok()) return absl::StrCat(address->local(), "@", address->domain());
  }
  return std::string(text);
}

}  // namespace

std::optional<boost::asio::awaitable<void>> LookupConversation::LookUp(Role role, absl::string_view address) {
  address_ = Unquoted(address);
  // Postfix looks "@domain" up for the rest of a domain: it is nobody's address.
  if (absl::StartsWith(address_, "@")) address_.clear();
  if (role == Role::kSender) return Decide({.protocol_state = "MAIL", .sender = address_});
  return Decide({.protocol_state = "RCPT", .recipient = address_, .context = "recipient"});
}

}  // namespace verifyd
