#include "mail/question.h"

namespace verifyd {

absl::string_view RoleName(Role role) { return role == Role::kRecipient ? "recipient" : "sender"; }

}  // namespace verifyd
