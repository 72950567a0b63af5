// Verbs of the operator's word: set, unset, pins, hold, release.
//
// Thread: main.
#ifndef VERIFYD_VERIFYCTL_PIN_VERBS_H_
#define VERIFYD_VERIFYCTL_PIN_VERBS_H_

#include <string>

#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

struct PinOptions {
  std::string target;    // an address, "@domain"; for a hold also the name of a destination
  std::string status;    // "deliverable", "undeliverable"
  std::string for_time;  // "7d"; empty: until it is ended
  std::string why;
  bool tell = false;  // clients are told why
  bool json = false;
};

int Set(const PinOptions& options, Asker& asker, Console& console);
int Unset(const PinOptions& options, Asker& asker, Console& console);
int PutOnHold(const PinOptions& options, Asker& asker, Console& console);
int Release(const PinOptions& options, Asker& asker, Console& console);
int Pins(bool json, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_PIN_VERBS_H_
