// The verb doctor: what makes others refuse us, or us verify nothing, and how to mend it. Asks DNS and mail servers
// itself; of the daemon, if one runs, only its report and its status.
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
  std::vector<std::string> addresses;   // of ours, as others see them; none: what probes are sent from
  std::vector<std::string> blocklists;  // zones; none: the usual ones
  std::vector<std::string> reach;       // domains; none: some big ones and the probe sender's
  bool json = false;
};

// Returns the exit code: 1 where something is bad.
int RunDoctor(const DoctorOptions& options, const Place& place, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DOCTOR_VERB_H_
