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
  // Nearly all text is plain ASCII already, and every decision that is logged comes by here.
  const absl::string_view head = text.substr(0, max_bytes);
  if (std::all_of(head.begin(), head.end(), [](char c) { return c >= 0x20 && c < 0x7F; })) return std::string(head);
  std::string out;
  out.reserve(std::min(text.size(), max_bytes));
  while (!text.empty()) {
    const size_t length = Utf8Length(text);
    // U+0080 to U+009F are control characters, too.
    const bool control = length == 1 ? absl::ascii_iscntrl(static_cast<unsigned char>(text[0]))
                                     : length == 2 && text[0] == '\xC2' && static_cast<uint8_t>(text[1]) < 0xA0;
    const size_t written = length == 0 || control ? 1 : length;
    if (out.size() + written > max_bytes) break;
    if (length == 0 || control) {
      out.push_back('?');
    } else {
      out.append(text.data(), length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
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
    // Weeks are read but never written: "31d" is how everybody knows these values.
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
