// A delivery: the answer that another mail system got about a recipient, when and from which server.
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_DELIVERY_H_
#define VERIFYD_MAIL_DELIVERY_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "mail/address.h"
#include "mail/reply.h"

namespace verifyd {

struct Delivery {
  Address address;
  absl::Time when = absl::InfinitePast();
  // Postfix's relay=: "mx.example.com", "192.0.2.1" and 25; or a UNIX socket's path, and 0.
  std::string relay;
  std::string relay_address;
  uint16_t relay_port = 0;
  bool lmtp = false;
  // A 2yz for the message, or a 5yz to RCPT.
  Reply reply;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_DELIVERY_H_
