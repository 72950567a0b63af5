#include "verifyctl/delivery_log.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "verifyctl/log_line.h"

namespace verifyd {
namespace {

constexpr size_t kLongestRelay = 250;

// Takes the address between "<" and ">". Postfix quotes local parts since 3.5 (info_log_address_format = external), and
// the line does not say whether it does: a text in quotes may be the bare local part of another mailbox.
std::optional<Address> TakePath(absl::string_view& text) {
  if (absl::StartsWith(text, "\"")) return std::nullopt;
  const size_t end = text.find('>');
  if (end == absl::string_view::npos) return std::nullopt;
  absl::StatusOr<Address> address = Address::Parse(text.substr(0, end));
  text.remove_prefix(end + 1);
  if (!address.ok()) return std::nullopt;
  return *std::move(address);
}

// Takes the value of ", NAME=VALUE", which is next.
std::optional<absl::string_view> TakeValue(absl::string_view& text, absl::string_view name) {
  if (!absl::ConsumePrefix(&text, name)) return std::nullopt;
  const absl::string_view value = text.substr(0, text.find(", "));
  text.remove_prefix(value.size());
  return value;
}

bool HasOnly(absl::string_view text, absl::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains(others, c);
  });
}

// Takes "mx.b.example[192.0.2.1]:25", "gw.example[private/dovecot-lmtp]"; "none" is no relay.
bool TakeRelay(absl::string_view text, Delivery& delivery) {
  const size_t open = text.find('[');
  const size_t close = text.find(']');
  if (text.size() > kLongestRelay || open == 0 || close == absl::string_view::npos || close < open) return false;
  const absl::string_view host = text.substr(0, open);
  const absl::string_view address = text.substr(open + 1, close - open - 1);
  absl::string_view port = text.substr(close + 1);
  if (!HasOnly(host, ".-_") || address.empty() || !HasOnly(address, ".:/-_%")) return false;
  delivery.relay = std::string(host);
  delivery.relay_address = std::string(address);
  if (port.empty()) return absl::StrContains(address, '/');
  uint32_t number = 0;
  if (!absl::ConsumePrefix(&port, ":") || !absl::SimpleAtoi(port, &number) || number == 0 || number > UINT16_MAX) {
    return false;
  }
  delivery.relay_port = static_cast<uint16_t>(number);
  return !absl::StrContains(address, '/');
}

// Takes the server's words in "250 2.0.0 Ok" or "host RELAY said: 550 5.1.1 No (in reply to RCPT TO command)".
bool TakeReply(absl::string_view status, absl::string_view text, Delivery& delivery) {
  const bool accepted = status == "sent" || status == "deliverable";
  if (!accepted) {
    if (status != "bounced" && status != "undeliverable") return false;
    // The words must be of the relay that is named: those of an earlier one are no answer of this one.
    if (!absl::ConsumePrefix(&text, absl::StrCat("host ", delivery.relay, "[", delivery.relay_address, "] said: ")) ||
        !absl::ConsumeSuffix(&text, " (in reply to RCPT TO command)")) {
      return false;
    }
  }
  absl::StatusOr<Reply> reply = Reply::Parse(text);
  if (!reply.ok() || reply->code_class() != (accepted ? 2 : 5)) return false;
  delivery.reply = *std::move(reply);
  return true;
}

bool HasTwice(absl::string_view text, absl::string_view name) { return text.find(name) != text.rfind(name); }

}  // namespace

std::optional<Delivery> LoggedDelivery(absl::string_view line, absl::TimeZone zone, absl::Time now) {
  const std::optional<LogLine> parsed = ParseLogLine(line);
  if (!parsed.has_value() || (parsed->program != "smtp" && parsed->program != "lmtp")) return std::nullopt;
  absl::string_view text = parsed->text;
  // Before 3.5 Postfix wrote local parts as they are, so they may have the words of a whole line in them. A recipient
  // that was rewritten (orig_to) is not the one that the client has named, so nothing is lost with it.
  if (absl::StrContains(text, ", orig_to=")) return std::nullopt;
  for (const absl::string_view name : {", relay=", ", delay=", ", delays=", ", dsn=", ", status="}) {
    if (HasTwice(text, name)) return std::nullopt;
  }
  Delivery delivery;
  delivery.lmtp = parsed->program == "lmtp";
  if (!absl::ConsumePrefix(&text, "to=<")) return std::nullopt;
  std::optional<Address> to = TakePath(text);
  if (!to.has_value()) return std::nullopt;
  delivery.address = *std::move(to);
  const std::optional<absl::string_view> relay = TakeValue(text, ", relay=");
  if (!relay.has_value() || !TakeRelay(*relay, delivery)) return std::nullopt;
  if (absl::StartsWith(text, ", conn_use=")) TakeValue(text, ", conn_use=");
  for (const absl::string_view name : {", delay=", ", delays=", ", dsn="}) {
    const std::optional<absl::string_view> value = TakeValue(text, name);
    if (!value.has_value() || !HasOnly(*value, "./")) return std::nullopt;
  }
  if (!absl::ConsumePrefix(&text, ", status=")) return std::nullopt;
  const absl::string_view status = text.substr(0, text.find(" ("));
  text.remove_prefix(status.size());
  if (!absl::ConsumePrefix(&text, " (") || !absl::ConsumeSuffix(&text, ")")) return std::nullopt;
  if (!TakeReply(status, text, delivery)) return std::nullopt;
  const std::optional<absl::Time> when = ParseLogTime(parsed->time, zone, now);
  if (!when.has_value()) return std::nullopt;
  delivery.when = *when;
  return delivery;
}

}  // namespace verifyd
