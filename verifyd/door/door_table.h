// The table of doors that requests come through. The doors' settings, the takeover of inherited sockets and the daemon
// follow it. A door NAME has the settings NAME_listen, NAME_connection_limit and NAME_request_rate_limit. A new door
// takes its protocol in a file of its own, a row here, and its settings.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_DOOR_TABLE_H_
#define VERIFYD_VERIFYD_DOOR_DOOR_TABLE_H_

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/timer.h"
#include "verifyd/door/protocol.h"
#include "verifyd/history/decision_record.h"
#include "verifyd/metrics/metrics.h"
#include "verifyd/restriction/restrictions.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

// The parts that doors ask and use; all outlive them.
struct DoorRooms {
  Restrictions& restrictions;
  Verifier& verifier;
  Resolver& resolver;
  DecisionRecord& record;
  Metrics& metrics;
  Timers& timers;  // of the front loop
};

struct DoorRow {
  // As DoorProtocol::name; the service manager gives this name to the door's sockets (FileDescriptorName=).
  absl::string_view name;
  std::unique_ptr<DoorProtocol> (*make)(const DoorRooms& rooms);
};

// The first one takes inherited sockets of unknown names; the log says so, and lists the names there are.
const std::vector<DoorRow>& DoorTable();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_DOOR_TABLE_H_
