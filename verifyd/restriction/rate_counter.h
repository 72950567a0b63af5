// Counts requests against the limits of rate_limit, in stretches of the limit's period that begin with the first
// request. Bounded: 100 000 counts are kept; were there more, all begin anew.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_RESTRICTION_RATE_COUNTER_H_
#define VERIFYD_VERIFYD_RESTRICTION_RATE_COUNTER_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "verifyd/restriction/restriction_list.h"

namespace verifyd {

class RateCounter {
 public:
  static constexpr size_t kMaxCounts = 100000;

  explicit RateCounter(const Clock& clock) : clock_(clock) {}

  // Counts a request of `who`; true where it is beyond the limit.
  bool Exceeds(const RateLimit& limit, absl::string_view who);

 private:
  struct Count {
    MonoTime begun;
    int64_t requests = 0;
  };
  const Clock& clock_;
  absl::flat_hash_map<uint64_t, Count> counts_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_RATE_COUNTER_H_
