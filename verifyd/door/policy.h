// The policy door: Postfix's policy delegation protocol (SMTPD_POLICY_README). Many requests a connection, one after
// the other; a client that sends several at once gets its answers in order.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_POLICY_H_
#define VERIFYD_VERIFYD_DOOR_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "verifyd/door/decision_log.h"
#include "verifyd/door/listener.h"
#include "verifyd/metrics.h"
#include "verifyd/restriction/restriction.h"

namespace verifyd {

// What an MTA is told when something in the daemon itself fails.
enum class InternalErrorAction : uint8_t { kDunno, kDefer, kDisconnect };

struct PolicyDoorSettings {
  size_t connection_limit = 5000;
  DecisionsLogged decisions_logged = DecisionsLogged::kAll;
  InternalErrorAction internal_error_action = InternalErrorAction::kDunno;
};

class PolicyDoor {
 public:
  PolicyDoor(Loop& loop, Restrictions& restrictions, Metrics& metrics);
  ~PolicyDoor();
  PolicyDoor(const PolicyDoor&) = delete;
  PolicyDoor& operator=(const PolicyDoor&) = delete;

  void Configure(std::shared_ptr<const PolicyDoorSettings> settings);
  // Serves the connections of `listener`; may be called for several.
  void Serve(std::unique_ptr<Listener> listener);

  // Takes no new connections and no new requests; ends when all requests that came are answered, or at `deadline`.
  boost::asio::awaitable<void> Drain(MonoTime deadline);

  size_t connections() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_POLICY_H_
