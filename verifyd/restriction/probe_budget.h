// The budget of new probes: how many addresses that nobody knows a client, or a message, may have asked about, so that
// one who tries names out of a dictionary does not do it with our probes. What memory answers, and what joins a probe
// in the air, costs nothing.
//
// A client is an IPv4 address or an IPv6 network of 64 bits (restriction/client.h). Whom the MTA does not name, and
// this machine itself, has no budget of its own to use up; a message without an instance neither. Bounded: 100 000
// clients and as many messages are remembered; were there more, those go whose time is over, or who have taken least.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_RESTRICTION_PROBE_BUDGET_H_
#define VERIFYD_VERIFYD_RESTRICTION_PROBE_BUDGET_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/forgetful_table.h"

namespace verifyd {

struct ProbeBudgetSettings {
  int64_t client_limit = 0;   // client_new_probe_rate_limit: a minute; 0: no limit
  int64_t message_limit = 0;  // message_new_probe_limit; 0: no limit
};

class ProbeBudget {
 public:
  explicit ProbeBudget(const Clock& clock) : clock_(clock) {}

  // Whether a new probe may be made for this client and message (MailRequest); if so, it is counted. Once a minute for
  // each client the log says that it may not.
  bool Take(absl::string_view client_address, absl::string_view instance, const ProbeBudgetSettings& settings);

 private:
  static constexpr size_t kMaxCounts = 100000;
  struct Count {
    MonoTime begun;
    int64_t taken = 0;
    bool said = false;
  };
  // Each counts for a stretch of time from the first probe; then it begins anew.
  struct Counts {
    const absl::Duration length;
    ForgetfulTable<uint64_t, Count> counts{kMaxCounts};
  };
  Count& Find(Counts& counts, uint64_t key) const;

  const Clock& clock_;
  Counts clients_{.length = absl::Minutes(1)};
  // As long as it may take to send a message to many.
  Counts messages_{.length = absl::Hours(1)};
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_PROBE_BUDGET_H_
