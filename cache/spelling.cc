#include "cache/spelling.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

// Puts the local part in capitals, from `from` on: a domain has one spelling.
std::string InCapitals(absl::string_view folded, size_t from) {
  const size_t at = folded.rfind('@');
  if (at == absl::string_view::npos || from >= at) return std::string(folded.substr(std::min(from, folded.size())));
  return absl::StrCat(absl::AsciiStrToUpper(folded.substr(from, at - from)), folded.substr(at));
}

bool MayBeCapital(absl::string_view folded, size_t position) {
  return position < folded.rfind('@') && absl::ascii_islower(static_cast<unsigned char>(folded[position]));
}

}  // namespace

std::string FoldedKey(absl::string_view key) { return absl::AsciiStrToLower(key); }

std::string NextSpelling(absl::string_view folded, absl::string_view after) {
  if (after.empty()) return InCapitals(folded, 0);
  // Find how far `after` is the beginning of a spelling.
  size_t common = 0;
  while (common < folded.size() && common < after.size() &&
         (after[common] == folded[common] ||
          (MayBeCapital(folded, common) &&
           after[common] == absl::ascii_toupper(static_cast<unsigned char>(folded[common]))))) {
    ++common;
  }
  if (common == after.size() && common < folded.size()) return absl::StrCat(after, InCapitals(folded, common));
  // Find the last place where a spelling can be larger, and make it no larger than needed.
  for (size_t i = std::min(common + 1, std::min(folded.size(), after.size())); i-- > 0;) {
    const auto there = static_cast<unsigned char>(after[i]);
    const auto small = static_cast<unsigned char>(folded[i]);
    const unsigned char capital = MayBeCapital(folded, i) ? absl::ascii_toupper(small) : small;
    if (small <= there) continue;
    const char next = static_cast<char>(capital > there ? capital : small);
    return absl::StrCat(after.substr(0, i), absl::string_view(&next, 1), InCapitals(folded, i + 1));
  }
  return "";
}

}  // namespace verifyd
