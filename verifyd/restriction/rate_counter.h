// Counts requests against the limits of rate_limit, in stretches of the limit's period that begin with the first
// request. Bounded: 100 000 counts are kept. Those whose stretch is over are dropped first, then the smallest.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_RESTRICTION_RATE_COUNTER_H_
#define VERIFYD_VERIFYD_RESTRICTION_RATE_COUNTER_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/forgetful_table.h"
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
    MonoTime ends;
    int64_t requests = 0;
  };
  const Clock& clock_;
  ForgetfulTable<uint64_t, Count> counts_{kMaxCounts};
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_RATE_COUNTER_H_
