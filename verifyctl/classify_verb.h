// verifyctl classify: the meaning of servers' replies, without a daemon.
#ifndef VERIFYD_VERIFYCTL_CLASSIFY_VERB_H_
#define VERIFYD_VERIFYCTL_CLASSIFY_VERB_H_

#include <string>

#include "verifyctl/console.h"

namespace verifyd {

struct ClassifyOptions {
  std::string rules;      // a rule file; empty: the rules compiled in
  std::string recipient;  // the address that the servers were asked about; empty: not known
  bool explain = false;
  bool json = false;
};

// Reads lines "STAGE<TAB>REPLY[<TAB>MX]" from console.in; "\\n" in a reply separates its lines, "\\xNN" is a byte.
// Writes "STATUS<TAB>REASON<TAB>SCOPE<TAB>RULE" for each, with "continue" as status where the dialogue simply goes on.
// With `explain`, lines that begin with "# " say why. Returns the exit code: 0, or 65 when a line could not be read,
// which is answered by "error<TAB>WHY" in its place, or where the recipient is no address.
int Classify(const ClassifyOptions& options, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_CLASSIFY_VERB_H_
