// Verbs about destinations: destinations, trust.
//
// Thread: main.
#ifndef VERIFYD_VERIFYCTL_DESTINATION_VERBS_H_
#define VERIFYD_VERIFYCTL_DESTINATION_VERBS_H_

#include <string>

#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

struct DestinationOptions {
  std::string name;  // empty: all
  bool json = false;
};

int ShowDestinations(const DestinationOptions& options, Asker& asker, Console& console);
int ResetDestination(const DestinationOptions& options, Asker& asker, Console& console);
int TrustDestination(const DestinationOptions& options, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DESTINATION_VERBS_H_
