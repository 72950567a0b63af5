// Host names as Postfix accepts them in HELO and after the @ of an address (valid_hostname(3), valid_mailhost_addr(3)).
//
// Thread: any (pure functions).
#ifndef VERIFYD_MAIL_HOST_NAME_H_
#define VERIFYD_MAIL_HOST_NAME_H_

#include "absl/strings/string_view.h"

namespace verifyd {

// Returns true for labels of 1 to 63 letters, digits, hyphens and underscores that neither begin nor end with a hyphen,
// not all of them numbers, at most 255 octets; one dot may follow.
bool IsHostName(absl::string_view text);
// Returns true for a host name of at least two labels.
bool IsFullyQualified(absl::string_view text);
// Returns true for "[192.0.2.1]" or "[IPv6:2001:db8::1]".
bool IsAddressLiteral(absl::string_view text);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_HOST_NAME_H_
