// The verbs about the daemon: stats, reload.
#ifndef VERIFYD_VERIFYCTL_DAEMON_VERBS_H_
#define VERIFYD_VERIFYCTL_DAEMON_VERBS_H_

#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

// Each returns the exit code.
int Stats(bool json, Asker& asker, Console& console);
// kExitConfiguration when the daemon refused the file and keeps its old settings.
int Reload(bool json, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DAEMON_VERBS_H_
