// A ruling in the words of access(5), as every door of Postfix's that takes an action takes it.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_DOOR_ACCESS_ACTION_H_
#define VERIFYD_VERIFYD_DOOR_ACCESS_ACTION_H_

#include <string>

#include "verifyd/restriction/restriction.h"

namespace verifyd {

// "550 5.1.1 undeliverable address: ...", "DEFER_IF_PERMIT 4.1.1 ...", what an access table wants done ("HOLD",
// "PREPEND X-Checked: yes"; not in a dry run), "WARN would reject: 550 5.1.1 ..."; empty where there is nothing to say
// against the mail. Never OK or PERMIT: that would skip the restrictions that follow. One printable line; what the SMTP
// client is told is ASCII, as no such door says whether it has asked for SMTPUTF8.
std::string AccessAction(const Ruling& ruling);

// What would have been refused, but for a dry run or warn_if_reject: "would reject: 550 5.1.1 ...".
std::string Warned(const Decision& warning);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_ACCESS_ACTION_H_
