// Events: what happens to a probe without any reply of a server. Each has a reason, as replies have.
//
// Thread: any (values).
#ifndef VERIFYD_MAIL_EVENT_H_
#define VERIFYD_MAIL_EVENT_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "mail/finding.h"

namespace verifyd {

enum class Event : uint8_t {
  kNone,
  // DNS
  kNoSuchDomain,    // NXDOMAIN of the domain itself
  kNullMx,          // RFC 7505
  kNoMailHost,      // no MX, no A, no AAAA
  kMxUnresolvable,  // no MX host has an address
  kMxParked,        // every MX belongs to a parking service: it takes all mail and delivers none
  kMxBogon,         // every MX address is private, loopback or otherwise bogus
  kDnsTemporary,    // SERVFAIL, REFUSED, malformed answers
  kDnsTimeout,
  // Connecting
  kConnectRefused,
  kConnectTimeout,
  kConnectUnreachable,
  kConnectReset,
  kLocalError,     // bind failed, no descriptors left ...
  kPort25Blocked,  // port 25 of no server is reached from here
  // The dialogue; the stage says where
  kClosed,  // EOF or reset
  kTimeout,
  kNotSmtp,        // the bytes that came are no reply
  kProtocolError,  // overlong lines, replies out of turn ...
  kPlaintextAfterStarttls,
  kTlsFailed,        // TLS was not required: retried in clear
  kTlsPolicyFailed,  // TLS was required
  kMailLoopSelf,     // a route of ours leads back to us
  kMxIsOurselves,    // the MX of a domain that is not ours
  // Inside verifyd
  kRouteBroken,  // a table or a service that says where to ask can not be asked
  kOverload,
  kDeadline,  // the probe's own deadline, wherever it was
};

// Returns the reason of `event` at `stage` (a time-out at the banner is not a time-out at RCPT).
Reason ReasonOf(Event event, Stage stage);
// Returns "connect_refused" and its like. The rule of the finding is "event." and this name.
absl::string_view EventName(Event event);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_EVENT_H_
