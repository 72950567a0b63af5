#include "verifyd/history/top_addresses.h"

#include "absl/algorithm/container.h"

namespace verifyd {

void TopAddresses::Add(absl::string_view address, const Entry& entry) {
  auto found = entries_.find(address);
  if (found == entries_.end()) {
    uint64_t taken_over = 0;
    if (entries_.size() >= kMost) {
      const auto lowest =
          absl::c_min_element(entries_, [](const auto& a, const auto& b) { return a.second.count < b.second.count; });
      taken_over = lowest->second.count;
      entries_.erase(lowest);
    }
    found = entries_.emplace(address, Entry{.count = taken_over, .error = taken_over}).first;
  }
  found->second.count += entry.count;
  found->second.error += entry.error;
  found->second.reason = entry.reason;
}

}  // namespace verifyd
