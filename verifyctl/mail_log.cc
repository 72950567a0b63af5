#include "verifyctl/mail_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "mail/address.h"
#include "verifyctl/log_line.h"

namespace verifyd {
namespace {

constexpr size_t kLongestLogin = 256;

// Returns the text between `name` and `end`; nothing where either is missing.
std::optional<absl::string_view> Between(absl::string_view text, absl::string_view name, absl::string_view end) {
  const size_t begin = text.find(name);
  if (begin == absl::string_view::npos) return std::nullopt;
  const absl::string_view rest = text.substr(begin + name.size());
  const size_t length = rest.find(end);
  if (length == absl::string_view::npos) return std::nullopt;
  return rest.substr(0, length);
}

// Returns the address as restrictions have it, without quotes; empty where it is none.
std::string Unquoted(absl::string_view text) {
  const absl::StatusOr<Address> address = Address::Parse(text);
  return address.ok() ? address->Key() : "";
}

// Takes "192.0.2.1" from "mx.example.com[192.0.2.1]".
absl::string_view ClientAddress(absl::string_view client) {
  const size_t bracket = client.rfind('[');
  if (bracket == absl::string_view::npos || !absl::ConsumeSuffix(&client, "]")) return "";
  const absl::string_view address = client.substr(bracket + 1);
  const bool plain = std::all_of(address.begin(), address.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == ':';
  });
  return plain ? address : "";
}

absl::string_view LoginIn(absl::string_view text) {
  const size_t at = text.find("sasl_username=");
  if (at == absl::string_view::npos) return "";
  absl::string_view login = text.substr(at + 14, kLongestLogin);
  login = login.substr(0, login.find(", "));
  return std::all_of(login.begin(), login.end(), absl::ascii_isgraph) ? login : "";
}

std::string RequestOf(absl::string_view sender, absl::string_view recipient, absl::string_view client_address,
                      absl::string_view login) {
  return absl::StrCat(sender.empty() ? "<>" : sender, "\t", recipient, "\t", client_address, "\t", login);
}

// Reads "CLIENT: 550 ...; from=<SENDER> to=<RECIPIENT> proto=ESMTP helo=<NAME>". A client that writes such words into
// its HELO names another recipient by it, which is asked about as any other.
std::optional<std::string> RefusedRequest(absl::string_view text) {
  const size_t tail = text.rfind("; from=<");
  const absl::string_view client = text.substr(0, text.find("]: ") + 1);
  if (tail == absl::string_view::npos) return std::nullopt;
  const absl::string_view names = text.substr(tail);
  const std::optional<absl::string_view> sender = Between(names, "from=<", "> to=<");
  const std::optional<absl::string_view> recipient = Between(names, "> to=<", "> proto=");
  if (!sender.has_value() || !recipient.has_value()) return std::nullopt;
  const std::string address = Unquoted(*recipient);
  if (address.empty()) return std::nullopt;
  return RequestOf(Unquoted(*sender), address, ClientAddress(client), LoginIn(names));
}

// Returns the recipient that the client named in "to=<bob@b.example>, orig_to=<info@b.example>, relay=..., status=sent
// ...". Empty where there is none, and for a probe of Postfix's own, whose status is no delivery's.
std::string DeliveredTo(absl::string_view text) {
  const size_t status = text.find(", status=");
  if (status == absl::string_view::npos) return "";
  const absl::string_view word = text.substr(status + 9);
  if (absl::StartsWith(word, "deliverable") || absl::StartsWith(word, "undeliverable")) return "";
  const absl::string_view names = text.substr(0, status);
  std::optional<absl::string_view> address = Between(names, ", orig_to=<", ">, ");
  if (!address.has_value()) address = Between(names, "to=<", ">, ");
  return address.has_value() ? Unquoted(*address) : "";
}

}  // namespace

MailLog::Message& MailLog::MessageOf(absl::string_view queue_id) {
  const auto [message, is_new] = messages_.try_emplace(std::string(queue_id));
  if (!is_new) return message->second;
  oldest_.emplace_back(queue_id);
  if (oldest_.size() <= kMostMessages) return message->second;
  messages_.erase(oldest_.front());
  oldest_.pop_front();
  return messages_.find(queue_id)->second;
}

std::optional<std::string> MailLog::Take(absl::string_view line) {
  const std::optional<LogLine> entry = ParseLogLine(line);
  if (!entry.has_value()) return std::nullopt;
  absl::string_view text = entry->text;
  if (absl::ConsumePrefix(&text, "reject: RCPT from ") || absl::ConsumePrefix(&text, "reject_warning: RCPT from ")) {
    return RefusedRequest(text);
  }
  if (absl::ConsumePrefix(&text, "client=")) {
    Message& message = MessageOf(entry->queue_id);
    message.client_address = std::string(ClientAddress(text.substr(0, text.find(", "))));
    message.sasl_username = std::string(LoginIn(text));
  } else if (absl::StartsWith(text, "from=<")) {
    if (const auto sender = Between(text, "from=<", ">, ")) MessageOf(entry->queue_id).sender = Unquoted(*sender);
  } else if (absl::StartsWith(text, "to=<")) {
    const std::string recipient = DeliveredTo(text);
    if (recipient.empty()) return std::nullopt;
    const auto message = messages_.find(entry->queue_id);
    if (message == messages_.end()) return RequestOf("", recipient, "", "");
    return RequestOf(message->second.sender, recipient, message->second.client_address, message->second.sasl_username);
  }
  return std::nullopt;
}

}  // namespace verifyd
