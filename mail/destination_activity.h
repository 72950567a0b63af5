// The present activity at a destination, for people to read.
//
// Thread: any (a value, posted between loops).
#ifndef VERIFYD_MAIL_DESTINATION_ACTIVITY_H_
#define VERIFYD_MAIL_DESTINATION_ACTIVITY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "mail/destination_state.h"

namespace verifyd {

struct DestinationActivity {
  std::string name;
  uint64_t queued = 0;
  int connections = 0;
  int connection_limit = 0;         // as found out, at most as allowed
  double questions_per_second = 0;  // likewise; 0: no limit
  uint64_t recipients = 0;          // in the next transaction, at most
  absl::Duration latency;           // of a reply, smoothed; zero: nothing was asked yet
  // Within the hour, at a public destination.
  uint64_t asked = 0;
  uint64_t unknown = 0;
  // our addresses that its provider blocks
  std::vector<RestingSource> resting;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_DESTINATION_ACTIVITY_H_
