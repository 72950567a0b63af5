// Destinations as the control socket shows them.
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_VERIFYD_JSON_SHOWN_DESTINATION_H_
#define VERIFYD_VERIFYD_JSON_SHOWN_DESTINATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/destination_activity.h"
#include "mail/destination_state.h"
#include "verifyd/json/described.h"

namespace verifyd {

// The activity there now.
struct ShownActivity {
  uint64_t queued = 0;
  int connections = 0;
  int connection_limit = 0;
  Sparse<double> addresses_per_second;  // at most
  uint64_t recipients = 0;              // in a transaction
  double latency_ms = 0;
  Sparse<uint64_t> asked_this_hour;
  std::optional<uint64_t> unknown_this_hour;  // of these
  Sparse<std::vector<std::string>> resting_sources;
};
BOOST_DESCRIBE_STRUCT(ShownActivity, (),
                      (queued, connections, connection_limit, addresses_per_second, recipients, latency_ms,
                       asked_this_hour, unknown_this_hour, resting_sources))

// A destination, or one domain at it ("destination": "MX DOMAIN"): all that is remembered, and the part of it that
// counts now.
struct ShownDestination {
  std::string destination;
  bool believed = false;
  std::string doubt;
  absl::Time doubted_since = absl::InfinitePast();
  Sparse<bool> held;
  absl::Time held_until = absl::InfinitePast();
  std::string held_why;
  absl::string_view left_alone_for;  // a reason
  absl::Time left_alone_until = absl::InfinitePast();
  uint32_t failures = 0;
  absl::string_view last_failure;
  absl::Time last_failure_when = absl::InfinitePast();
  absl::Time last_success = absl::InfinitePast();
  absl::Time last_accepted = absl::InfinitePast();
  std::optional<ShownActivity> now;
};
BOOST_DESCRIBE_STRUCT(ShownDestination, (),
                      (destination, believed, doubt, doubted_since, held, held_until, held_why, left_alone_for,
                       left_alone_until, failures, last_failure, last_failure_when, last_success, last_accepted, now))

struct ShownDestinations {
  std::vector<ShownDestination> destinations;
};
BOOST_DESCRIBE_STRUCT(ShownDestinations, (), (destinations))

// The operator's change of one.
struct ShownChange {
  absl::string_view target;
  Sparse<bool> believed;
  Sparse<bool> reset;
};
BOOST_DESCRIBE_STRUCT(ShownChange, (), (target, believed, reset))

ShownDestination Shown(const DestinationState& state, absl::Time now);
ShownDestination Shown(const DomainBreaker& breaker, absl::Time now);
ShownActivity Shown(const DestinationActivity& activity);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_SHOWN_DESTINATION_H_
