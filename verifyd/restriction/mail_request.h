// A mail request: what an MTA says of the mail it asks about, through any door. The views live as long as the door's
// buffer: until the request is answered.
#ifndef VERIFYD_VERIFYD_RESTRICTION_MAIL_REQUEST_H_
#define VERIFYD_VERIFYD_RESTRICTION_MAIL_REQUEST_H_

#include "absl/strings/string_view.h"

namespace verifyd {

struct MailRequest {
  absl::string_view protocol_state;  // "RCPT", "MAIL", "VRFY", ...
  absl::string_view client_address;
  absl::string_view client_name;  // name and address point to each other; empty or "unknown": none
  absl::string_view helo_name;
  absl::string_view sasl_username;  // empty: not logged in
  absl::string_view sender;         // unquoted, without brackets; empty is the null sender
  absl::string_view recipient;      // as sender
  absl::string_view queue_id;
  absl::string_view instance;  // the same for all requests of one message
  absl::string_view stress;    // "" or "yes"
  absl::string_view context;   // policy_context
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_MAIL_REQUEST_H_
