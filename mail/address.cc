#include "mail/address.h"

#include <arpa/inet.h>
#include <idn2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kMaxLabel = 63;  // RFC 1035 section 2.3.4

constexpr uint8_t kAtom = 1;   // atext of RFC 5322, the ASCII part
constexpr uint8_t kLabel = 2;  // a character of a domain's label

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (const char c : absl::string_view("!#$%&'*+/=?^`{|}~")) classes[static_cast<uint8_t>(c)] = kAtom;
  for (uint8_t c = '0'; c <= '9'; ++c) classes[c] = kAtom | kLabel;
  for (uint8_t c = 'a'; c <= 'z'; ++c) classes[c] = classes[c - 'a' + 'A'] = kAtom | kLabel;
  // RFC 5321 knows no underscore in a domain; real domains have them.
  classes['-'] = classes['_'] = kAtom | kLabel;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

bool Is(uint8_t mask, char c) { return (kClasses[static_cast<uint8_t>(c)] & mask) != 0; }
bool IsAscii(char c) { return absl::ascii_isascii(static_cast<unsigned char>(c)); }

absl::Status Error(size_t offset, absl::string_view found, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("byte ", offset, ": found ", found, ", expected ", expected));
}

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text, 80), "\""); }

// Returns the bytes of the printable character at `at` if it is beyond ASCII; 0 for everything else.
size_t NonAscii(absl::string_view text, size_t at) { return IsAscii(text[at]) ? 0 : PrintableLength(text.substr(at)); }

absl::Status Unexpected(absl::string_view text, size_t at, absl::string_view expected) {
  if (at >= text.size()) return Error(at, "the end", expected);
  const size_t length = absl::ascii_isprint(static_cast<unsigned char>(text[at])) ? 1 : NonAscii(text, at);
  if (length == 0) return Error(at, absl::StrFormat("octet 0x%02X", static_cast<uint8_t>(text[at])), expected);
  return Error(at, Quoted(text.substr(at, length)), expected);
}

// DotString and QuotedString return the local part without its quoting, and set `end` to the byte after it.
absl::StatusOr<std::string> DotString(absl::string_view text, size_t& end) {
  size_t i = 0;
  bool atom = false;  // a dot may follow
  while (i < text.size() && text[i] != '@') {
    if (text[i] == '.' && atom) {
      atom = false;
      ++i;
      continue;
    }
    const size_t length = Is(kAtom, text[i]) ? 1 : NonAscii(text, i);
    if (length == 0) break;
    atom = true;
    i += length;
  }
  if (!atom) return Unexpected(text, i, i == 0 ? "a local part" : "a character of a local part that needs no quotes");
  end = i;
  return std::string(text.substr(0, i));
}

absl::StatusOr<std::string> QuotedString(absl::string_view text, size_t& end) {
  std::string local;
  size_t i = 1;
  while (i < text.size() && text[i] != '"') {
    if (text[i] == '\\') {
      ++i;
      if (i == text.size() || !absl::ascii_isprint(static_cast<unsigned char>(text[i]))) {
        return Unexpected(text, i, "a printable ASCII character behind the backslash");
      }
    }
    const size_t length = absl::ascii_isprint(static_cast<unsigned char>(text[i])) ? 1 : NonAscii(text, i);
    if (length == 0) return Unexpected(text, i, "a printable character of UTF-8");
    local.append(text.data() + i, length);
    i += length;
  }
  if (i == text.size()) return Unexpected(text, i, "a closing quote");
  if (local.empty()) return Unexpected(text, i, "a local part");
  end = i + 1;
  return local;
}

// Parses a domain in ASCII from byte `start` to the end.
absl::StatusOr<std::string> AsciiDomain(absl::string_view text, size_t start) {
  size_t label = start;
  size_t i = start;
  for (; i < text.size(); ++i) {
    if (text[i] == '.') {
      if (i == label) return Unexpected(text, i, "a label of a domain");
      if (text[i - 1] == '-') return Unexpected(text, i, "a letter or digit at the end of a label");
      label = i + 1;
      continue;
    }
    if (!Is(kLabel, text[i])) {
      return Unexpected(text, i, "a character of a domain (letter, digit, \"-\", \"_\", \".\")");
    }
    if (i == label && text[i] == '-') return Unexpected(text, i, "a letter or digit at the start of a label");
    if (i - label == kMaxLabel) return Unexpected(text, i, "\".\" or the end after at most 63 octets of a label");
  }
  absl::string_view domain = text.substr(start);
  if (absl::EndsWith(domain, ".")) {
    domain.remove_suffix(1);  // the root's dot; DNS stores names without it
  } else {
    if (i == label) return Unexpected(text, i, "a domain");
    if (text[i - 1] == '-') return Unexpected(text, i, "a letter or digit at the end of a label");
  }
  if (domain.size() > Address::kMaxDomain) {
    return Unexpected(text, start + Address::kMaxDomain, "the end after at most 255 octets of a domain");
  }
  return absl::AsciiStrToLower(domain);
}

struct FreeIdn {
  void operator()(uint8_t* p) const { idn2_free(p); }
};

// Parses a domain with characters beyond ASCII (RFC 5891, UTS 46 non-transitional).
absl::StatusOr<std::string> Utf8Domain(absl::string_view text, size_t start) {
  for (size_t i = start; i < text.size();) {
    const size_t length = Is(kLabel, text[i]) || text[i] == '.' ? 1 : NonAscii(text, i);
    if (length == 0) return Unexpected(text, i, "a character of a domain");
    i += length;
  }
  const std::string written(text.substr(start));
  if (written.size() > Address::kMaxDomain) {
    return Error(start, absl::StrCat("a domain of ", written.size(), " octets"), "at most 255");
  }
  uint8_t* raw = nullptr;
  const int error =
      idn2_lookup_u8(reinterpret_cast<const uint8_t*>(written.c_str()), &raw, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
  const std::unique_ptr<uint8_t, FreeIdn> owned(raw);
  if (error != IDN2_OK) {
    return Error(start, Quoted(written), absl::StrCat("an internationalized domain name (", idn2_strerror(error), ")"));
  }
  // Compatibility mappings may yield anything: U+2100 becomes "a/c".
  absl::StatusOr<std::string> domain = AsciiDomain(reinterpret_cast<const char*>(raw), 0);
  if (domain.ok()) return domain;
  return Error(start, Quoted(written),
               absl::StrCat("an internationalized domain name (in A-labels: ", domain.status().message(), ")"));
}

absl::StatusOr<std::string> Domain(absl::string_view text, size_t start) {
  const absl::string_view domain = text.substr(start);
  return std::all_of(domain.begin(), domain.end(), IsAscii) ? AsciiDomain(text, start) : Utf8Domain(text, start);
}

// Parses "[...]" from byte `start` to the end.
absl::StatusOr<std::string> Literal(absl::string_view text, size_t start) {
  constexpr absl::string_view kTag = "IPv6:";
  const bool v6 = absl::StartsWithIgnoreCase(text.substr(start + 1), kTag);
  const size_t first = start + 1 + (v6 ? kTag.size() : 0);
  const size_t close = std::min(text.find_first_not_of("0123456789abcdefABCDEF:.", first), text.size());
  if (close == text.size() || text[close] != ']') {
    return Unexpected(text, close, v6 ? "an IPv6 address and \"]\"" : "an IPv4 address and \"]\", or \"IPv6:\"");
  }
  if (close + 1 != text.size()) return Unexpected(text, close + 1, "the end of the address");

  const std::string ip(text.substr(first, close - first));
  std::array<uint8_t, sizeof(in6_addr)> binary{};
  const int family = v6 ? AF_INET6 : AF_INET;
  if (inet_pton(family, ip.c_str(), binary.data()) != 1) {
    return Error(first, Quoted(ip),
                 v6 ? "an IPv6 address, as in [IPv6:2001:db8::1]" : "an IPv4 address, as in [192.0.2.1]");
  }
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  inet_ntop(family, binary.data(), canonical.data(), canonical.size());
  return absl::StrCat("[", v6 ? kTag : "", canonical.data(), "]");
}

bool IsDotString(absl::string_view local) {
  if (local.empty() || local.front() == '.' || local.back() == '.' || absl::StrContains(local, "..")) return false;
  return std::all_of(local.begin(), local.end(), [](char c) { return c == '.' || Is(kAtom, c) || !IsAscii(c); });
}

bool IsEscaped(char c) { return c == '"' || c == '\\'; }

// Returns the octets of the local part as SMTP writes it. The escapes are counted only where they could make the
// address too long.
size_t WrittenSize(absl::string_view local) {
  if (2 + 2 * local.size() + 1 + Address::kMaxDomain <= Address::kMaxAddress || IsDotString(local)) return local.size();
  return local.size() + 2 + static_cast<size_t>(std::count_if(local.begin(), local.end(), IsEscaped));
}

}  // namespace

absl::StatusOr<Address> Address::Assemble(absl::string_view text, std::string local, size_t at) {
  if (at == text.size() || text[at] != '@') {
    return Unexpected(text, at,
                      at == text.size() ? "\"@\" and a domain" : "\"@\", or a character that needs no quotes");
  }
  const size_t start = at + 1;
  const bool literal = start < text.size() && text[start] == '[';
  ASSIGN_OR_RETURN(std::string domain, literal ? Literal(text, start) : Domain(text, start));
  const size_t octets = WrittenSize(local) + 1 + domain.size();
  if (octets > kMaxAddress) {
    return Error(std::min(text.size(), kMaxAddress), absl::StrCat("an address of ", octets, " octets"),
                 absl::StrCat("at most ", kMaxAddress));
  }
  return Address(std::move(local), std::move(domain));
}

absl::StatusOr<Address> Address::Parse(absl::string_view text) {
  size_t at = 0;
  ASSIGN_OR_RETURN(std::string local, absl::StartsWith(text, "\"") ? QuotedString(text, at) : DotString(text, at));
  return Assemble(text, std::move(local), at);
}

absl::StatusOr<Address> Address::FromUnquoted(absl::string_view text) {
  const size_t at = std::min(text.rfind('@'), text.size());
  if (at > kMaxAddress) return Unexpected(text, kMaxAddress, "\"@\" and a domain");
  for (size_t i = 0; i < at;) {
    const size_t length = absl::ascii_isprint(static_cast<unsigned char>(text[i])) ? 1 : NonAscii(text, i);
    if (length == 0) return Unexpected(text, i, "a printable character of UTF-8");
    i += length;
  }
  if (at == 0) return Unexpected(text, at, "a local part");
  return Assemble(text, std::string(text.substr(0, at)), at);
}

absl::StatusOr<Address> Address::DomainOf(absl::string_view text) {
  return Assemble(text, "", std::min(text.rfind('@'), text.size()));
}

absl::string_view Address::literal_ip() const {
  absl::string_view ip = domain_;
  if (!domain_is_literal()) return {};
  ip = ip.substr(1, ip.size() - 2);
  if (absl::StartsWith(ip, "IPv6:")) ip.remove_prefix(5);
  return ip;
}

bool Address::needs_smtputf8() const { return !std::all_of(local_.begin(), local_.end(), IsAscii); }

std::string Address::ToSmtp() const {
  if (IsDotString(local_)) return Key();
  std::string quoted = "\"";
  for (const char c : local_) {
    if (IsEscaped(c)) quoted.push_back('\\');
    quoted.push_back(c);
  }
  return absl::StrCat(quoted, "\"@", domain_);
}

std::string Address::Key() const { return absl::StrCat(local_, "@", domain_); }

absl::StatusOr<std::string> ParseDomain(absl::string_view text) { return Domain(text, 0); }

}  // namespace verifyd
