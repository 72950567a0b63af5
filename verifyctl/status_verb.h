// The verb status: whether all is well, for people and for monitoring.
//
// The first line of its text, and its exit code, are those that monitoring expects of a check: 0 OK, 1 WARNING,
// 2 CRITICAL (also where no daemon answers), 3 UNKNOWN (it may not be asked).
//
// Thread: main.
#ifndef VERIFYD_VERIFYCTL_STATUS_VERB_H_
#define VERIFYD_VERIFYCTL_STATUS_VERB_H_

#include <string>

#include "verifyctl/asker.h"
#include "verifyctl/console.h"
#include "verifyd/json/shown_status.h"

namespace verifyd {

int ShowStatus(bool as_json, Asker& asker, Console& console);

// Puts the answer of GET /v1/status in words: a screen at most.
std::string StatusScreen(const ShownStatus& status);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_STATUS_VERB_H_
