// The settings that every door is told at the start and after each reload; each takes what it needs.
//
// Thread: any (values).
#ifndef VERIFYD_VERIFYD_DOOR_DOOR_SETTINGS_H_
#define VERIFYD_VERIFYD_DOOR_DOOR_SETTINGS_H_

#include <cstdint>
#include <memory>

#include "classifier/classifier.h"
#include "verifyd/history/decision_log.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {

// The answer to an MTA when something in the daemon itself fails.
enum class InternalErrorAction : uint8_t { kDunno, kDefer, kDisconnect };

// For every door that decides on mail (door/mail_protocol.h).
struct MailProtocolSettings {
  // False: the settings can not be used. Every request is answered as if something in the daemon had failed.
  bool decides = true;
  DecisionsLogged decisions_logged = DecisionsLogged::kAll;
  InternalErrorAction internal_error_action = InternalErrorAction::kDunno;
};

// For the verify door alone (door/verify.h).
struct VerifyDoorSettings {
  // These verify the recipient, whatever recipient_restrictions says, and word nothing.
  std::shared_ptr<const RestrictionSettings> restrictions;
  // verify_service_greeting: the server speaks first, as since Postfix 3.6.
  bool greets = true;
  // verify_accept_updates: the findings of Postfix's own probes are taken in, as the classifier judges them.
  bool takes_updates = false;
  std::shared_ptr<const Classifier> classifier;
};

struct DoorSettings {
  MailProtocolSettings mail;
  VerifyDoorSettings verify;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_DOOR_SETTINGS_H_
