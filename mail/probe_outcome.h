// The prober's answer: a finding, and what it learned beside it.
//
// Thread: any (a value, posted between loops).
#ifndef VERIFYD_MAIL_PROBE_OUTCOME_H_
#define VERIFYD_MAIL_PROBE_OUTCOME_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"
#include "mail/probe_request.h"

namespace verifyd {

struct DialogueLine {
  enum class Kind : uint8_t { kNote, kSent, kReceived };
  absl::Duration at;  // since the probe began
  Kind kind = Kind::kNote;
  std::string text;  // printable
};

// Where a probe's time went, as in Postfix's delays=.
struct ProbeDelays {
  absl::Duration dns;
  absl::Duration queue;    // waiting for a connection's turn
  absl::Duration connect;  // until the banner, EHLO and TLS included
  absl::Duration dialogue;
  absl::Duration total() const { return dns + queue + connect + dialogue; }
};

struct ProbeOutcome {
  Finding finding;
  std::shared_ptr<const DomainFact> domain_fact;  // null in most outcomes: it is large
  // Filled where the request asked for it.
  CatchAll catch_all = CatchAll::kNotAsked;
  ProbeIdentity identity;
  bool configured_route = false;  // the operator said where to ask
  std::string destination;        // name of the destination asked; empty when none was reached
  ProbeDelays delays;
  std::vector<DialogueLine> dialogue;
  // The prober left a server that had not greeted, because others needed the session: it may only be slow.
  bool hurried = false;
  // Every MX of a public domain said that it does not relay for the domain.
  bool relay_denied_everywhere = false;
  // The source (mail/source.h) is not the one to ask about the address: the next one is asked.
  bool not_mine = false;
  // SMTP can not ask about the address; `finding.text` says why, and nothing is stored.
  bool not_verifiable = false;
  // No server was asked, as the operator has put the destination on hold; nothing is stored.
  bool on_hold = false;
  // No server was asked, because of the asker or of how many asked. That says nothing of the address, and nothing is
  // stored.
  bool declined = false;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_PROBE_OUTCOME_H_
