// The extension of an address: the text after the delimiter in user+news@example.com (recipient_delimiter). Such mail
// goes to the mailbox of user.
//
// Thread: any (pure functions).
#ifndef VERIFYD_MAIL_ADDRESS_EXTENSION_H_
#define VERIFYD_MAIL_ADDRESS_EXTENSION_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace verifyd {

// Returns where the extension of the local part begins, delimiter included; npos: there is none. As Postfix
// (split_addr.c): any character of `delimiters` is one, an extension leaves a name in front of it, and some names are
// never split: double-bounce, and, where "-" is a delimiter, owner-LIST and LIST-request.
size_t ExtensionAt(absl::string_view local, absl::string_view delimiters);

}  // namespace verifyd

#endif  // VERIFYD_MAIL_ADDRESS_EXTENSION_H_
