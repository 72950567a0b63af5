// Text without the local parts of addresses: what servers say quotes whom they were asked about.
//
// Thread: any (pure functions).
#ifndef VERIFYD_MAIL_MASKED_TEXT_H_
#define VERIFYD_MAIL_MASKED_TEXT_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace verifyd {

// `text` with each address replaced by what `mask` makes of it, which is called with "local@domain". One that stands in
// <> may have blanks in its local part. What has no local part ("@example.com") is no address. In "sender=<joe>",
// "recipient=<joe>" and " to=<joe>", as the log has them, an address may lack its domain.
std::string MaskedText(absl::string_view text, absl::FunctionRef<std::string(absl::string_view address)> mask);

// "*@example.com" for "joe@example.com".
std::string WithoutLocalPart(absl::string_view address);

// A server's words about `address`: each address is without its local part, and so is every form of this one
// (mail/address_forms.h), also where it stands alone ("550 joe: no such user").
std::string MaskedReply(absl::string_view text, absl::string_view address);
// The same where the log has a filter; else `text`. The filter knows addresses by their form only.
std::string LoggedReply(absl::string_view text, absl::string_view address);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_MASKED_TEXT_H_
