// The verb config: shows settings as postconf(1) shows Postfix's, and where each comes from. It reads the file, and
// asks Postfix where the file says so; no daemon is asked.
#ifndef VERIFYD_VERIFYCTL_CONFIG_VERB_H_
#define VERIFYD_VERIFYCTL_CONFIG_VERB_H_

#include <string>
#include <vector>

#include "verifyctl/console.h"
#include "verifyctl/place.h"

namespace verifyd {

struct ConfigOptions {
  std::vector<std::string> names;  // empty: all
  bool defaults = false;           // the defaults, whatever the file says
  bool set_only = false;           // only what the file sets, or Postfix
  bool json = false;
};

// Returns the exit code.
int Config(const ConfigOptions& options, const Place& place, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_CONFIG_VERB_H_
