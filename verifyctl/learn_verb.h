// The verb learn: takes in what Postfix has found out by delivering mail. As import does, it sends its input in parts
// and may be done again.
#ifndef VERIFYD_VERIFYCTL_LEARN_VERB_H_
#define VERIFYD_VERIFYCTL_LEARN_VERB_H_

#include <string>

#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

struct LearnOptions {
  std::string mail_log = "-";  // "-" is console.in
  bool follow = false;         // go on at its end, until Ctrl-C; the end of console.in is the end
  bool dry_run = false;
  bool json = false;
};

// Returns the exit code.
int Learn(const LearnOptions& options, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_LEARN_VERB_H_
