#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

struct Unit {
  char letter;
  int64_t seconds;
};
constexpr std::array<Unit, 5> kUnits = {{{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};

}  // namespace

size_t Utf8Length(absl::string_view s) {
  const auto byte = [&](size_t i) -> uint8_t { return i < s.size() ? static_cast<uint8_t>(s[i]) : 0; };
  const auto follows = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const uint8_t b = byte(0);
  if (s.empty()) return 0;
  if (b < 0x80) return 1;
  if (b >= 0xC2 && b <= 0xDF) return follows(1) ? 2 : 0;
  if (b == 0xE0) return follows(1, 0xA0) && follows(2) ? 3 : 0;
  if (b == 0xED) return follows(1, 0x80, 0x9F) && follows(2) ? 3 : 0;
  if (b >= 0xE1 && b <= 0xEF) return follows(1) && follows(2) ? 3 : 0;
  if (b == 0xF0) return follows(1, 0x90) && follows(2) && follows(3) ? 4 : 0;
  if (b >= 0xF1 && b <= 0xF3) return follows(1) && follows(2) && follows(3) ? 4 : 0;
  if (b == 0xF4) return follows(1, 0x80, 0x8F) && follows(2) && follows(3) ? 4 : 0;
  return 0;
}

std::string Printable(absl::string_view text, size_t max_bytes) {
  // Fast path: nearly all text is plain ASCII, and every logged decision passes here.
  const absl::string_view head = text.substr(0, max_bytes);
  if (std::all_of(head.begin(), head.end(), [](char c) { return c >= 0x20 && c < 0x7F; })) return std::string(head);
  std::string out;
  out.reserve(std::min(text.size(), max_bytes));
  while (!text.empty()) {
    const size_t shown = PrintableLength(text);
    const size_t written = std::max<size_t>(shown, 1);
    if (out.size() + written > max_bytes) break;
    if (shown == 0) {
      out.push_back('?');
    } else {
      out.append(text.data(), shown);
    }
    text.remove_prefix(std::max<size_t>(Utf8Length(text), 1));
  }
  return out;
}

size_t PrintableLength(absl::string_view text) {
  const size_t length = Utf8Length(text);
  if (length == 1) return absl::ascii_iscntrl(static_cast<unsigned char>(text[0])) ? 0 : 1;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (length == 2) {
    const bool control = byte(0) == 0xC2 && byte(1) < 0xA0;  // U+0080 to U+009F
    return control || text.substr(0, 2) == "\u061C" ? 0 : 2;
  }
  if (length == 3) {
    // U+200B, U+200E, U+200F, U+2028 to U+202E; U+2060 to U+206F.
    const bool unseen =
        byte(0) == 0xE2 && ((byte(1) == 0x80 && (byte(2) == 0x8B || byte(2) == 0x8E || byte(2) == 0x8F ||
                                                 (byte(2) >= 0xA8 && byte(2) <= 0xAE))) ||
                            (byte(1) == 0x81 && byte(2) >= 0xA0 && byte(2) <= 0xAF));
    return unseen || text.substr(0, 3) == "\uFEFF" ? 0 : 3;
  }
  return length;
}

std::string AsciiText(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else if (byte >= 0xC0) {  // the first byte of a character
      out.push_back('?');
    }
  }
  return out;
}

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::vector<absl::string_view> SplitList(absl::string_view text) {
  std::vector<absl::string_view> items;
  size_t i = 0;
  const auto separates = [&](size_t at) {
    return text[at] == ',' || absl::ascii_isspace(static_cast<unsigned char>(text[at]));
  };
  while (i < text.size()) {
    if (separates(i)) {
      ++i;
      continue;
    }
    const size_t start = i;
    int depth = 0;
    for (; i < text.size() && (depth > 0 || !separates(i)); ++i) {
      if (text[i] == '{') ++depth;
      if (text[i] == '}' && depth > 0) --depth;
    }
    items.push_back(text.substr(start, i - start));
  }
  return items;
}

absl::StatusOr<absl::Duration> ParseTimeValue(absl::string_view text, char default_unit) {
  absl::string_view digits = text;
  char unit = default_unit;
  if (!digits.empty() && absl::ascii_isalpha(static_cast<unsigned char>(digits.back()))) {
    unit = absl::ascii_tolower(static_cast<unsigned char>(digits.back()));
    digits.remove_suffix(1);
  }
  int64_t count = 0;
  if (!digits.empty() && absl::ascii_isdigit(static_cast<unsigned char>(digits.front())) &&
      absl::SimpleAtoi(digits, &count) && count <= INT32_MAX) {
    for (const Unit& u : kUnits) {
      if (u.letter == unit) return absl::Seconds(count * u.seconds);
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "bad time \"", Printable(text, 60), "\": expected a whole number and one of the units s, m, h, d, w, as in 31d"));
}

std::string FormatTimeValue(absl::Duration d) {
  if (d % absl::Seconds(1) != absl::ZeroDuration()) return absl::StrCat(absl::ToInt64Milliseconds(d), "ms");
  const int64_t seconds = absl::ToInt64Seconds(d);
  for (const Unit& u : kUnits) {
    // Weeks are read but never written: everybody knows these values as "31d".
    if (u.letter == 'w' || seconds == 0 || seconds % u.seconds != 0) continue;
    return absl::StrCat(seconds / u.seconds, absl::string_view(&u.letter, 1));
  }
  return "0s";
}

bool DomainMatches(absl::string_view name, absl::string_view domain) {
  if (absl::StartsWith(domain, ".")) return name.size() > domain.size() && absl::EndsWithIgnoreCase(name, domain);
  return absl::EqualsIgnoreCase(name, domain);
}

}  // namespace verifyd
