// The verb doctor: what makes others refuse us, or leaves nothing verified, and how to mend it. It asks DNS and mail
// servers itself; a running daemon gives only its report and its status.
//
// Thread: main.
#ifndef VERIFYD_VERIFYCTL_DOCTOR_VERB_H_
#define VERIFYD_VERIFYCTL_DOCTOR_VERB_H_

#include <string>
#include <vector>

#include "verifyctl/asker.h"
#include "verifyctl/console.h"
#include "verifyctl/place.h"

namespace verifyd {

struct DoctorOptions {
  std::vector<std::string> addresses;   // of ours, as others see them; none: those that probes are sent from
  std::vector<std::string> blocklists;  // zones; none: the usual ones
  std::vector<std::string> reach;       // domains; none: some big ones and the probe sender's
  bool json = false;
};

// Returns the exit code: 1 where something is bad.
int RunDoctor(const DoctorOptions& options, const Place& place, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DOCTOR_VERB_H_
