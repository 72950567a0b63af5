// What doors are told at the start and after each reload, all of them the same; each takes what it needs.
//
// Thread: any (values).
#ifndef VERIFYD_VERIFYD_DOOR_DOOR_SETTINGS_H_
#define VERIFYD_VERIFYD_DOOR_DOOR_SETTINGS_H_

#include <cstdint>
#include <memory>

#include "classifier/classifier.h"
#include "verifyd/history/decision_log.h"
#include "verifyd/restriction/restriction.h"

namespace verifyd {

// What an MTA is told when something in the daemon itself fails.
enum class InternalErrorAction : uint8_t { kDunno, kDefer, kDisconnect };

// Of every door that decides on mail (door/mail_protocol.h).
struct MailProtocolSettings {
  // False: the settings can not be used. Every request is answered as if something in the daemon had failed.
  bool decides = true;
  DecisionsLogged decisions_logged = DecisionsLogged::kAll;
  InternalErrorAction internal_error_action = InternalErrorAction::kDunno;
};

// Of the verify door alone (door/verify.h).
struct VerifyDoorSettings {
  // The recipient is verified, whatever recipient_restrictions says, and nothing is worded.
  std::shared_ptr<const RestrictionSettings> restrictions;
  // verify_service_greeting: the server speaks first, as since Postfix 3.6.
  bool greets = true;
  // verify_accept_updates: what Postfix's own probes have found out is taken in, as the classifier judges it.
  bool takes_updates = false;
  std::shared_ptr<const Classifier> classifier;
};

struct DoorSettings {
  MailProtocolSettings mail;
  VerifyDoorSettings verify;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_DOOR_SETTINGS_H_
