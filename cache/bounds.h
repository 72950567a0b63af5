// The bounds of the cache's size.
//
// Thread: any (values).
#ifndef VERIFYD_CACHE_BOUNDS_H_
#define VERIFYD_CACHE_BOUNDS_H_

#include <cstdint>

namespace verifyd {

// 0: none.
struct Bounds {
  uint64_t entries = 0;  // records; and as many facts of domains
  uint64_t bytes = 0;    // pages of the file that are in use
  friend bool operator==(const Bounds&, const Bounds&) = default;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_BOUNDS_H_
