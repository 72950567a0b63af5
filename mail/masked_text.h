// Text without the local parts of addresses: servers quote the address they were asked about.
//
// Thread: any (pure functions).
#ifndef VERIFYD_MAIL_MASKED_TEXT_H_
#define VERIFYD_MAIL_MASKED_TEXT_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace verifyd {

// Returns `text` with each address replaced by `mask` of it, which is called with "local@domain". An address in <> may
// have blanks in its local part. Text without a local part ("@example.com") is no address. In "sender=<joe>",
// "recipient=<joe>" and " to=<joe>", as the log has them, an address may lack its domain.
std::string MaskedText(absl::string_view text, absl::FunctionRef<std::string(absl::string_view address)> mask);

// Returns "*@example.com" for "joe@example.com".
std::string WithoutLocalPart(absl::string_view address);

// Masks a server's words about `address`: each address loses its local part, and so does every form of this one
// (mail/address_forms.h), also where it stands alone ("550 joe: no such user").
std::string MaskedReply(absl::string_view text, absl::string_view address);
// Does the same where the log has a filter; else returns `text`. The filter recognises addresses by their form only.
std::string LoggedReply(absl::string_view text, absl::string_view address);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_MASKED_TEXT_H_
