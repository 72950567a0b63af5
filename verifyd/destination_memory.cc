#include "verifyd/destination_memory.h"

namespace verifyd {

void RememberDestinations(Cache& cache, Prober& prober) {
  prober.Restore(cache.LoadDestinationStates());
  prober.SetObserver([&cache](const DestinationState& state) { cache.PutDestinationState(state); });
}

}  // namespace verifyd
