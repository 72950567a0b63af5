// A ruling in the words of access(5), for every door of Postfix's that takes an action.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_DOOR_ACCESS_ACTION_H_
#define VERIFYD_VERIFYD_DOOR_ACCESS_ACTION_H_

#include <string>

#include "verifyd/restriction/restrictions.h"

namespace verifyd {

// Returns "550 5.1.1 undeliverable address: ...", "DEFER_IF_PERMIT 4.1.1 ...", an access table's action ("HOLD",
// "PREPEND X-Checked: yes"; not in a dry run), or "WARN would reject: 550 5.1.1 ..."; empty where there is nothing to
// say against the mail. It is never OK or PERMIT: that would skip the restrictions that follow. It is one printable
// line. The SMTP client's part is ASCII, as no such door says whether the client has asked for SMTPUTF8.
std::string AccessAction(const Ruling& ruling);

// Words a refusal that a dry run or warn_if_reject has held back: "would reject: 550 5.1.1 ...".
std::string Warned(const Decision& warning);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_ACCESS_ACTION_H_
