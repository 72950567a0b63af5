// The addresses that come most, of any number, in bounded memory: Space-Saving (Metwally, Agrawal, El Abbadi 2005). An
// address without a counter takes the lowest one over, with its number as the error; so a number is too high by that at
// most.
//
// Thread: any (a value).
#ifndef VERIFYD_VERIFYD_HISTORY_TOP_ADDRESSES_H_
#define VERIFYD_VERIFYD_HISTORY_TOP_ADDRESSES_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace verifyd {

class TopAddresses {
 public:
  static constexpr size_t kMost = 100;

  struct Entry {
    uint64_t count = 0;
    uint64_t error = 0;
    std::string reason;  // the last one; empty where there are none
  };

  void Add(absl::string_view address, const Entry& entry);
  const absl::flat_hash_map<std::string, Entry>& entries() const { return entries_; }

 private:
  absl::flat_hash_map<std::string, Entry> entries_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_TOP_ADDRESSES_H_
