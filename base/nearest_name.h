// Finds the known name that an unknown one was perhaps meant to be.
//
// Thread: any (a pure function).
#ifndef VERIFYD_BASE_NEAREST_NAME_H_
#define VERIFYD_BASE_NEAREST_NAME_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"

namespace verifyd {

// Returns how many edits still count as a slip: more for a long name.
size_t SlipOf(absl::string_view name);

// Returns the one of `names` that is fewest edits away from `name`; empty where that is more than `slip`.
absl::string_view NearestName(absl::string_view name, const std::vector<absl::string_view>& names, size_t slip);
inline absl::string_view NearestName(absl::string_view name, const std::vector<absl::string_view>& names) {
  return NearestName(name, names, SlipOf(name));
}

}  // namespace verifyd

#endif  // VERIFYD_BASE_NEAREST_NAME_H_
