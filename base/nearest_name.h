// The name that was perhaps meant by one that there is not.
//
// Thread: any (a pure function).
#ifndef VERIFYD_BASE_NEAREST_NAME_H_
#define VERIFYD_BASE_NEAREST_NAME_H_

#include <vector>

#include "absl/strings/string_view.h"

namespace verifyd {

// The one of `names` that is fewest edits away from `name`; empty where that is more than a slip.
absl::string_view NearestName(absl::string_view name, const std::vector<absl::string_view>& names);

}  // namespace verifyd

#endif  // VERIFYD_BASE_NEAREST_NAME_H_
