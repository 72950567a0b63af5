// The name that was perhaps meant by one that there is not.
//
// Thread: any (a pure function).
#ifndef VERIFYD_BASE_NEAREST_NAME_H_
#define VERIFYD_BASE_NEAREST_NAME_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"

namespace verifyd {

// How many edits are still a slip: more in a long name.
size_t SlipOf(absl::string_view name);

// The one of `names` that is fewest edits away from `name`; empty where that is more than `slip`.
absl::string_view NearestName(absl::string_view name, const std::vector<absl::string_view>& names, size_t slip);
inline absl::string_view NearestName(absl::string_view name, const std::vector<absl::string_view>& names) {
  return NearestName(name, names, SlipOf(name));
}

}  // namespace verifyd

#endif  // VERIFYD_BASE_NEAREST_NAME_H_
