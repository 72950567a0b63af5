#include "tables/transport_table.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/network.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "mail/address_extension.h"

namespace verifyd {
namespace {

constexpr size_t kMaxHost = 255;

bool IsHostName(absl::string_view host) {
  if (host.empty() || host.size() > kMaxHost) return false;
  for (const absl::string_view label : absl::StrSplit(host, '.')) {
    if (label.empty() || label.size() > 63) return false;
    for (const char c : label) {
      if (!absl::ascii_isalnum(c) && c != '-' && c != '_') return false;
    }
  }
  return true;
}

absl::Status BadHop(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("next hop \"", Printable(text, 100), "\": expected host, host:port, [host] or [host]:port"));
}

constexpr std::pair<absl::string_view, uint16_t> kServices[] = {
    {"smtp", 25}, {"smtps", 465}, {"submissions", 465}, {"submission", 587}, {"lmtp", 24}};

absl::Status BadTransport(absl::string_view text, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("transport \"", Printable(text, 100), "\": expected ", expected));
}

absl::Status ParseLmtp(absl::string_view text, Transport& transport) {
  absl::string_view rest = transport.argument;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    transport.path = std::string(rest);
    return rest.empty() ? BadTransport(text, "lmtp:unix:PATH") : absl::OkStatus();
  }
  absl::ConsumePrefix(&rest, "inet:");
  ASSIGN_OR_RETURN(transport.next_hop, NextHop::Parse(rest));
  transport.next_hop.by_mx = false;  // lmtp(8) looks up no MX
  for (NextHop& other : transport.next_hop.others) other.by_mx = false;
  return absl::OkStatus();
}

absl::Status ParseVerify(absl::string_view text, Transport& transport) {
  absl::string_view rest = transport.argument;
  if (!absl::ConsumePrefix(&rest, "unix:") || rest.empty()) return BadTransport(text, "verify:unix:PATH");
  transport.path = std::string(rest);
  return absl::OkStatus();
}

// Parses one next hop of a list.
absl::StatusOr<NextHop> ParseHop(absl::string_view text) {
  NextHop hop;
  absl::string_view host = text;
  absl::string_view port;
  bool has_port = false;
  if (absl::ConsumePrefix(&host, "[")) {
    const size_t end = host.find(']');
    if (end == absl::string_view::npos) return BadHop(text);
    port = host.substr(end + 1);
    host = host.substr(0, end);
    has_port = !port.empty();
    if (has_port && !absl::ConsumePrefix(&port, ":")) return BadHop(text);
    hop.by_mx = false;
    if (absl::StartsWithIgnoreCase(host, "ipv6:")) host.remove_prefix(5);
  } else if (const size_t colon = host.find(':'); colon != absl::string_view::npos) {
    has_port = true;
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (has_port) {
    const std::optional<uint16_t> number = NextHop::PortFromName(port);
    if (!number.has_value()) return BadHop(text);
    hop.port = *number;
  }
  const bool is_ip = IsIpAddress(host);
  if (!is_ip && !IsHostName(host)) return BadHop(text);
  if (is_ip) hop.by_mx = false;
  hop.host = absl::AsciiStrToLower(host);
  return hop;
}

}  // namespace

std::optional<uint16_t> NextHop::PortFromName(absl::string_view text) {
  for (const auto& [name, port] : kServices) {
    if (name == text) return port;
  }
  uint32_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || number == 0 || number > 65535) return std::nullopt;
  return static_cast<uint16_t>(number);
}

absl::StatusOr<NextHop> NextHop::Parse(absl::string_view text) {
  NextHop list;
  for (const absl::string_view item : absl::StrSplit(text, absl::ByAnyChar(", \t"), absl::SkipEmpty())) {
    ASSIGN_OR_RETURN(NextHop hop, ParseHop(item));
    if (list.given()) {
      list.others.push_back(std::move(hop));
    } else {
      list = std::move(hop);
    }
  }
  return list;
}

std::string NextHop::ToString() const {
  std::string text = by_mx ? host : absl::StrCat("[", host, "]");
  if (port != 0) absl::StrAppend(&text, ":", port);
  for (const NextHop& other : others) absl::StrAppend(&text, ", ", other.ToString());
  return text;
}

absl::StatusOr<Transport> Transport::Parse(absl::string_view text, const TransportNames& names, bool colon_needed) {
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos && (colon_needed || text.empty())) {
    return BadTransport(text, "TRANSPORT:NEXTHOP");
  }
  Transport transport;
  transport.name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text.substr(0, colon)));
  if (colon != absl::string_view::npos) {
    transport.argument = std::string(absl::StripAsciiWhitespace(text.substr(colon + 1)));
  }
  // The text after "error:" or "local:" is no host.
  if (transport.name.empty() || absl::c_linear_search(names.smtp, transport.name)) {
    ASSIGN_OR_RETURN(transport.next_hop, NextHop::Parse(transport.argument));
  } else if (absl::c_linear_search(names.lmtp, transport.name)) {
    transport.kind = Kind::kLmtp;
    RETURN_IF_ERROR(ParseLmtp(text, transport));
  } else if (transport.name == "error") {
    transport.kind = Kind::kError;
  } else if (transport.name == "retry") {
    transport.kind = Kind::kRetry;
  } else if (transport.name == "verify") {
    transport.kind = Kind::kVerify;
    RETURN_IF_ERROR(ParseVerify(text, transport));
  } else {
    transport.kind = Kind::kOther;
  }
  return transport;
}

absl::StatusOr<std::shared_ptr<const TransportTable>> TransportTable::Load(absl::string_view spec, TransportNames names,
                                                                           std::vector<absl::Status>* faults) {
  auto table = std::make_shared<TransportTable>();
  table->names_ = std::move(names);
  ASSIGN_OR_RETURN(table->table_, Table::Load(spec, [&](absl::string_view value) {
                     absl::Status status = Transport::Parse(value, table->names_, /*colon_needed=*/true).status();
                     if (status.ok() || faults == nullptr) return status;
                     faults->push_back(std::move(status));
                     return absl::OkStatus();
                   }));
  return std::shared_ptr<const TransportTable>(std::move(table));
}

absl::StatusOr<std::shared_ptr<const TransportTable>> TransportTable::Parse(absl::string_view file_name,
                                                                            absl::string_view text) {
  auto table = std::make_shared<TransportTable>();
  table->names_.smtp = {"smtp", "relay"};
  ASSIGN_OR_RETURN(table->table_, Table::Parse(file_name, text, [&](absl::string_view value) {
                     return Transport::Parse(value, table->names_, /*colon_needed=*/true).status();
                   }));
  return std::shared_ptr<const TransportTable>(std::move(table));
}

std::shared_ptr<const TransportTable> TransportTable::Broken(absl::string_view spec, absl::Status why) {
  auto table = std::make_shared<TransportTable>();
  table->table_ = Table::Broken(spec, std::move(why));
  return table;
}

std::vector<std::string> TransportTable::KeysFor(const Address& address, absl::string_view delimiters) {
  std::vector<std::string> keys = {absl::AsciiStrToLower(address.Key())};
  std::string quoted = absl::AsciiStrToLower(address.ToSmtp());
  if (quoted != keys.front()) keys.push_back(std::move(quoted));
  if (const size_t extension = ExtensionAt(address.local(), delimiters); extension != absl::string_view::npos) {
    keys.push_back(absl::AsciiStrToLower(absl::StrCat(address.local().substr(0, extension), "@", address.domain())));
  }
  absl::string_view name = address.domain();
  while (!name.empty()) {
    keys.emplace_back(name);
    const size_t dot = address.domain_is_literal() ? absl::string_view::npos : name.find('.', 1);
    if (dot == absl::string_view::npos) break;
    name.remove_prefix(dot);
  }
  keys.emplace_back("*");
  return keys;
}

std::optional<Transport> TransportTable::Find(const Address& address) const {
  for (const std::string& key : KeysFor(address)) {
    const auto value = table_->Find(key);
    if (!value.has_value()) continue;
    absl::StatusOr<Transport> transport = ParseValue(key, *value);
    if (transport.ok()) return *std::move(transport);
    return Transport{.kind = Transport::Kind::kBroken, .argument = std::string(transport.status().message())};
  }
  return std::nullopt;
}

absl::StatusOr<Transport> TransportTable::ParseValue(absl::string_view key, absl::string_view value) const {
  ASSIGN_OR_RETURN(Transport transport, Transport::Parse(value, names_, /*colon_needed=*/true));
  transport.by_wildcard = key == "*";
  return transport;
}

}  // namespace verifyd
