#include "dns/blocklist.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/text.h"
#include "mail/address.h"

namespace verifyd {
namespace {

constexpr size_t kOctets = 4;

bool ParseOctet(absl::string_view text, uint8_t& octet) {
  int number = 0;
  if (!absl::SimpleAtoi(text, &number) || number < 0 || number > 255) return false;
  octet = static_cast<uint8_t>(number);
  return true;
}

// Parses "2", or "[2;4..8]".
bool ParsePart(absl::string_view text, Blocklist::Octet& octet) {
  if (absl::ConsumePrefix(&text, "[") && !absl::ConsumeSuffix(&text, "]")) return false;
  for (const absl::string_view item : absl::StrSplit(text, ';')) {
    const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(item, absl::MaxSplits("..", 1));
    std::pair<uint8_t, uint8_t> range;
    if (!ParseOctet(ends.first, range.first)) return false;
    range.second = range.first;
    if (!ends.second.empty() && !ParseOctet(ends.second, range.second)) return false;
    if (range.second < range.first) return false;
    octet.push_back(range);
  }
  return true;
}

// Splits at the dots outside brackets.
std::vector<absl::string_view> PartsOf(absl::string_view text) {
  std::vector<absl::string_view> parts;
  size_t begin = 0;
  bool within = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[' || text[i] == ']') within = text[i] == '[';
    if (text[i] != '.' || within) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

}  // namespace

absl::StatusOr<Blocklist> Blocklist::Parse(absl::string_view text) {
  Blocklist blocklist;
  const size_t equals = text.find('=');
  absl::StatusOr<std::string> zone = ParseDomain(text.substr(0, equals));
  if (!zone.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(text, 100),
                                                   "\", expected the zone of a blocklist: ", zone.status().message()));
  }
  blocklist.zone = *std::move(zone);
  if (equals == absl::string_view::npos) return blocklist;
  const std::vector<absl::string_view> parts = PartsOf(text.substr(equals + 1));
  blocklist.filter.resize(parts.size());
  bool good = parts.size() == kOctets;
  for (size_t i = 0; i < parts.size() && good; ++i) good = ParsePart(parts[i], blocklist.filter[i]);
  if (good) return blocklist;
  return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(text.substr(equals + 1), 100),
                                                 "\", expected four octets such as 127.0.0.2 or 127.0.0.[2;4..8]"));
}

bool Blocklist::Lists(absl::string_view reply) const {
  in_addr address = {};
  if (inet_pton(AF_INET, std::string(reply).c_str(), &address) != 1) return false;
  if (filter.empty()) return true;
  const auto* const octets = reinterpret_cast<const uint8_t*>(&address.s_addr);
  for (size_t i = 0; i < kOctets; ++i) {
    const auto within = [octet = octets[i]](const auto& range) {
      return octet >= range.first && octet <= range.second;
    };
    if (std::none_of(filter[i].begin(), filter[i].end(), within)) return false;
  }
  return true;
}

std::string Blocklist::NameOf(absl::string_view client_address) const {
  constexpr absl::string_view kHex = "0123456789abcdef";
  if (client_address.size() >= INET6_ADDRSTRLEN) return "";
  const std::string text(client_address);
  std::array<uint8_t, 16> bytes = {};
  std::string name;
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    for (size_t i = kOctets; i-- > 0;) absl::StrAppend(&name, bytes[i], ".");
  } else if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) {
    for (size_t i = bytes.size(); i-- > 0;) {
      absl::StrAppend(&name, kHex.substr(bytes[i] & 15, 1), ".", kHex.substr(bytes[i] >> 4, 1), ".");
    }
  } else {
    return "";
  }
  return name + zone;
}

}  // namespace verifyd
