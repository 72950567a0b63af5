// The client that is held to account for a question: an IPv4 address, or an IPv6 network of 64 bits, since one client
// has all addresses of it.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_RESTRICTION_CLIENT_H_
#define VERIFYD_VERIFYD_RESTRICTION_CLIENT_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "verifyd/restriction/mail_request.h"

namespace verifyd {

// Returns 0 for nobody: the MTA does not name the client, or it is this machine itself.
uint64_t ClientNumber(absl::string_view address);
// Returns Question::asker: the user who has logged in, wherever he connects from; else the client.
uint64_t AskerOf(const MailRequest& request);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_CLIENT_H_
