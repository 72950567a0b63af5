// What is known of destinations, over a restart: taken from the prober as it changes, kept in the cache, given back at
// start.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_DESTINATION_MEMORY_H_
#define VERIFYD_VERIFYD_VERIFIER_DESTINATION_MEMORY_H_

#include "cache/cache.h"
#include "probe/prober.h"

namespace verifyd {

// Gives the prober what the cache holds and has it report changes. Both outlive each other's use: the prober must not
// report after the cache has gone.
void RememberDestinations(Cache& cache, Prober& prober);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_DESTINATION_MEMORY_H_
