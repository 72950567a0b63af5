// A scenario: a conversation in a small text file, played against the real settings, restrictions, verifier, cache,
// router, sessions and classifier, over scripted servers and names and a clock that jumps.
//
//   # comment
//   set NAME = VALUE             a setting; before the first question, or a reload later
//   mx DOMAIN ADDRESS...         DOMAIN has the MX mx1.DOMAIN, mx2.DOMAIN ... (10, 20, ...) at these addresses
//   gone DOMAIN                  DOMAIN does not exist any more
//   name NAME ADDRESS            NAME has this address
//   server ADDRESS SCRIPT        what the server there says (tests/scripted_dialer.h)
//   ask ADDRESS [NAME=VALUE]...  a policy request at RCPT, with these attributes as well
//   = ANSWER                     what it is answered, without "action="
//   =~ ANSWER                    how that begins
//   pass TIME                    time passes ("31d", "90s")
//   waited TIME                  how long the last question waited
//   probes N                     addresses that servers were asked about so far
//   same senders                 all probes so far came from one sender; "different senders"
//   held ADDRESS = STATUS REASON [pending]   what the cache holds; "held ADDRESS = nothing"
//   api METHOD PATH [JSON]       a request of the control socket, which succeeds
//   logged TEXT                  a log line so far contains TEXT
//   restart                      the daemon ends and starts again
#ifndef VERIFYD_TESTS_SCENARIO_SCENARIO_H_
#define VERIFYD_TESTS_SCENARIO_SCENARIO_H_

#include <string>

#include "absl/strings/string_view.h"

namespace verifyd {

// Plays `text`; failures are reported to GoogleTest with file and line.
void PlayScenario(absl::string_view file_name, absl::string_view text);

}  // namespace verifyd

#endif  // VERIFYD_TESTS_SCENARIO_SCENARIO_H_
