// Deliveries in a Postfix mail log: a server's answer about a recipient to smtp(8) or lmtp(8).
//
//   postfix/smtp[1]: 4bX: to=<bob@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1, delays=0/0/1/0, dsn=2.0.0,
//     status=sent (250 2.0.0 Ok: queued as 123)
//   ... dsn=5.1.1, status=bounced (host mx.b.example[192.0.2.1] said: 550 5.1.1 <bob@b.example>: User unknown (in reply
//     to RCPT TO command))
//
// Probes of verify(8) are such lines, too, with a status of deliverable or undeliverable. Anybody who may send mail
// puts text into them, and so does every server that mail goes to. So the fields are read from the left in Postfix's
// order, and a line in which a field's name comes twice is passed over. So is one with orig_to or a quote in the
// recipient, because a Postfix before 3.5 does not quote what it logs: there `"joe@b.example>, orig_to=<joe"@b.example`
// reads as joe@b.example, and `"\"joe\""@b.example` as "joe"@b.example. Postfix itself writes orig_to only for a
// mailbox that was rewritten.
//
// Thread: any (a pure function).
#ifndef VERIFYD_VERIFYCTL_DELIVERY_LOG_H_
#define VERIFYD_VERIFYCTL_DELIVERY_LOG_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/delivery.h"

namespace verifyd {

// Returns what `line` says of an address that a client may name: a message that was taken, or a refusal at RCPT.
// Nothing where it was neither, or where the server was asked about another address than the client has named (an
// alias, a list, a virtual address). Times without a zone are of `zone`.
std::optional<Delivery> LoggedDelivery(absl::string_view line, absl::TimeZone zone, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DELIVERY_LOG_H_
