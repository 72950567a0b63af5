// The verbs about the daemon: stats, reload.
#ifndef VERIFYD_VERIFYCTL_DAEMON_VERBS_H_
#define VERIFYD_VERIFYCTL_DAEMON_VERBS_H_

#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

struct StatsOptions {
  int watch = 0;     // again every so many seconds, until it is interrupted; 0: once
  bool all = false;  // every counter by its name
  bool json = false;
};

// Each returns the exit code. With `watch`, numbers that grow are shown with their growth in a second.
int Stats(const StatsOptions& options, Asker& asker, Console& console);
// Returns kExitConfiguration when the daemon refused the file and keeps its old settings.
int Reload(bool json, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DAEMON_VERBS_H_
