// Who is held to account for what a client asks: an IPv4 address, or an IPv6 network of 64 bits, as one client has all
// addresses of it.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_RESTRICTION_CLIENT_H_
#define VERIFYD_VERIFYD_RESTRICTION_CLIENT_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "verifyd/restriction/mail_request.h"

namespace verifyd {

// 0: nobody; the MTA does not name the client, or it is this machine itself.
uint64_t ClientNumber(absl::string_view address);
// Question::asker: who has logged in is himself wherever he comes from, everybody else is his client.
uint64_t AskerOf(const MailRequest& request);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_CLIENT_H_
