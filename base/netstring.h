// Netstrings, LENGTH:TEXT, (https://cr.yp.to/proto/netstrings.txt), as socketmap_table(5) speaks them.
//
// Thread: any (pure functions).
#ifndef VERIFYD_BASE_NETSTRING_H_
#define VERIFYD_BASE_NETSTRING_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

std::string Netstring(absl::string_view text);

// Returns the content of a netstring at the start of `bytes`; nothing while it is incomplete. Error: it is no
// netstring, or longer than 100 000 bytes, Postfix's limit.
absl::StatusOr<std::optional<std::string>> ParseNetstring(absl::string_view bytes);

}  // namespace verifyd

#endif  // VERIFYD_BASE_NETSTRING_H_
