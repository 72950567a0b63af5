// verifyctl classify: what servers' replies mean, without a daemon.
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
// Writes "STATUS<TAB>REASON<TAB>SCOPE<TAB>RULE" for each, "continue" as status where the dialogue simply goes on, and
// with `explain` how it comes to that, in lines that begin with "# ". Returns the exit code: 0, or 65 when there was a
// line that could not be read, which is answered by "error<TAB>WHY" in its place, or where the recipient is no address.
int Classify(const ClassifyOptions& options, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_CLASSIFY_VERB_H_
