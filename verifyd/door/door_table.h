// The table of doors that requests come through. From it live the meaning of their settings, the takeover of inherited
// sockets, and the daemon. Of each NAME there are the settings NAME_listen, NAME_connection_limit and
// NAME_request_rate_limit. Adding one: its protocol in a file of its own, a row here, and its settings.
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
#include "verifyd/restriction/restriction.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

// Whom doors may ask, and what they use; all outlive them.
struct DoorRooms {
  Restrictions& restrictions;
  Verifier& verifier;
  Resolver& resolver;
  DecisionRecord& record;
  Metrics& metrics;
  Timers& timers;  // of the front loop
};

struct DoorRow {
  // As DoorProtocol::name, and what the service manager calls its sockets (FileDescriptorName=).
  absl::string_view name;
  std::unique_ptr<DoorProtocol> (*make)(const DoorRooms& rooms);
};

// The first one takes inherited sockets of unknown names; the log says so, and which names there are.
const std::vector<DoorRow>& DoorTable();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_DOOR_TABLE_H_
