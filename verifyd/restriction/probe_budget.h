// The budget of new probes: how many addresses that memory does not know may be probed for one client, or one message.
// It keeps a client from trying names out of a dictionary with our probes. A question that memory answers, or that
// joins a probe under way, costs nothing.
//
// A client is an IPv4 address or an IPv6 network of 64 bits (restriction/client.h). A client that the MTA does not
// name, this machine itself, and a message without an instance have no budget of their own to use up. Bounded: 100 000
// clients and as many messages are remembered. Those whose time is over are forgotten first, then those that have taken
// least.
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

  // Returns whether a new probe may be made for this client and message (MailRequest), and counts it if so. A refusal
  // is logged once a minute for each client.
  bool Take(absl::string_view client_address, absl::string_view instance, const ProbeBudgetSettings& settings);

 private:
  static constexpr size_t kMaxCounts = 100000;
  struct Count {
    MonoTime begun;
    int64_t taken = 0;
    bool said = false;
  };
  // Each counts for a stretch of time from the first probe, then begins anew.
  struct Counts {
    const absl::Duration length;
    ForgetfulTable<uint64_t, Count> counts{kMaxCounts};
  };
  Count& Find(Counts& counts, uint64_t key) const;

  const Clock& clock_;
  Counts clients_{.length = absl::Minutes(1)};
  // Sending one message to many may take as long as this.
  Counts messages_{.length = absl::Hours(1)};
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_PROBE_BUDGET_H_
