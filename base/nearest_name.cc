#include "base/nearest_name.h"

#include <algorithm>
#include <utility>

namespace verifyd {
namespace {

constexpr size_t kLongestName = 100;

// Returns how many letters are to be changed, put in or left out.
size_t Edits(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substituted}));
    }
  }
  return row.back();
}

}  // namespace

size_t SlipOf(absl::string_view name) { return 2 + std::min(name.size(), kLongestName) / 4; }

absl::string_view NearestName(absl::string_view name, const std::vector<absl::string_view>& names, size_t slip) {
  name = name.substr(0, kLongestName);
  absl::string_view nearest;
  size_t least = slip;
  for (const absl::string_view candidate : names) {
    const size_t edits = Edits(name, candidate);
    if (edits > least || (edits == least && !nearest.empty()) || edits >= name.size()) continue;
    least = edits;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace verifyd
