#include "probe/transport_table.h"

#include <fstream>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "probe/network.h"

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

bool ParsePort(absl::string_view text, uint16_t& port) {
  if (text == "smtp") {
    port = 25;
  } else if (text == "submission") {
    port = 587;
  } else {
    uint32_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number == 0 || number > 65535) return false;
    port = static_cast<uint16_t>(number);
  }
  return true;
}

// The end of the key: the first white space outside double quotes.
size_t KeyEnd(absl::string_view line) {
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && absl::ascii_isspace(line[i])) {
      return i;
    }
  }
  return line.size();
}

}  // namespace

absl::StatusOr<NextHop> NextHop::Parse(absl::string_view text) {
  NextHop hop;
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return hop;
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
  if (has_port && !ParsePort(port, hop.port)) return BadHop(text);
  const bool is_ip = IsIpAddress(host);
  if (!is_ip && !IsHostName(host)) return BadHop(text);
  if (is_ip) hop.by_mx = false;
  hop.host = absl::AsciiStrToLower(host);
  return hop;
}

std::string NextHop::ToString() const {
  std::string text = by_mx ? host : absl::StrCat("[", host, "]");
  if (port != 0) absl::StrAppend(&text, ":", port);
  return text;
}

absl::Status TransportTable::Add(absl::string_view line) {
  const size_t key_end = KeyEnd(line);
  const absl::string_view value = absl::StripAsciiWhitespace(line.substr(key_end));
  const size_t colon = value.find(':');
  if (colon == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", Printable(line, 100), "\": expected PATTERN TRANSPORT:NEXTHOP"));
  }
  Transport transport;
  transport.name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(value.substr(0, colon)));
  // Behind "error:" or "local:" stands something else than a host.
  if (transport.by_smtp()) {
    ASSIGN_OR_RETURN(transport.next_hop, NextHop::Parse(value.substr(colon + 1)));
  }
  if (!entries_.emplace(absl::AsciiStrToLower(line.substr(0, key_end)), std::move(transport)).second) {
    return absl::AlreadyExistsError(absl::StrCat("duplicate entry \"", Printable(line.substr(0, key_end), 100), "\""));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const TransportTable>> TransportTable::Load(absl::string_view spec) {
  absl::string_view path = spec;
  if (!absl::ConsumePrefix(&path, "texthash:") || path.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("transport table \"", Printable(spec, 200), "\": expected texthash:/path/of/file"));
  }
  std::ifstream file(std::string(path), std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": can not be opened for reading"));
  std::string text;
  char chunk[65536];
  while (file.read(chunk, sizeof(chunk)), file.gcount() > 0) text.append(chunk, file.gcount());
  if (file.bad()) return absl::UnavailableError(absl::StrCat(path, ": can not be read"));
  return Parse(path, text);
}

absl::StatusOr<std::shared_ptr<const TransportTable>> TransportTable::Parse(absl::string_view file_name,
                                                                            absl::string_view text) {
  auto table = std::make_shared<TransportTable>();
  std::string logical;
  int logical_number = 0;
  const auto add = [&]() -> absl::Status {
    if (logical.empty()) return absl::OkStatus();
    absl::Status added = table->Add(std::exchange(logical, {}));
    if (added.ok()) return added;
    const std::string message = absl::StrCat(file_name, ":", logical_number, ": ", added.message());
    if (!absl::IsAlreadyExists(added)) return absl::Status(added.code(), message);
    LogWarning(message);
    return absl::OkStatus();
  };
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view content = absl::StripAsciiWhitespace(line);
    // Comments and empty lines do not end a logical line.
    if (content.empty() || content.front() == '#') continue;
    if (absl::ascii_isspace(line.front())) {
      if (logical.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(file_name, ":", number, ": \"", Printable(content, 100),
                                                       "\": expected a pattern at the start of the line, found a "
                                                       "continuation of nothing"));
      }
      absl::StrAppend(&logical, " ", content);
      continue;
    }
    RETURN_IF_ERROR(add());
    logical = std::string(content);
    logical_number = number;
  }
  RETURN_IF_ERROR(add());
  return std::shared_ptr<const TransportTable>(std::move(table));
}

std::optional<Transport> TransportTable::Find(const Address& address) const {
  const auto find = [this](absl::string_view key) -> const Transport* {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
  };
  const std::string plain = absl::AsciiStrToLower(address.Key());
  if (const Transport* transport = find(plain)) return *transport;
  const std::string quoted = absl::AsciiStrToLower(address.ToSmtp());
  if (quoted != plain) {
    if (const Transport* transport = find(quoted)) return *transport;
  }
  absl::string_view name = address.domain();
  while (!name.empty()) {
    if (const Transport* transport = find(name)) return *transport;
    const size_t dot = address.domain_is_literal() ? absl::string_view::npos : name.find('.', 1);
    if (dot == absl::string_view::npos) break;
    name.remove_prefix(dot);
  }
  const Transport* transport = find("*");
  if (transport == nullptr) return std::nullopt;
  Transport fallback = *transport;
  fallback.by_wildcard = true;
  return fallback;
}

}  // namespace verifyd
