// The verb about domains: domains.
//
// Thread: main.
#ifndef VERIFYD_VERIFYCTL_DOMAIN_VERBS_H_
#define VERIFYD_VERIFYCTL_DOMAIN_VERBS_H_

#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

// Shows what is known of whole domains, and what to do where it makes verification useless.
int Domains(bool json, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_DOMAIN_VERBS_H_
