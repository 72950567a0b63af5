#include "verifyd/destination_memory.h"

#include <optional>
#include <utility>

namespace verifyd {

void RememberDestinations(Cache& cache, Prober& prober) {
  prober.Restore(cache.LoadDestinationStates());
  prober.SetObserver([&cache](DestinationState state) {
    // The guard's part is not the prober's to change.
    std::optional<DestinationState> held = cache.FindDestinationState(state.name);
    if (held.has_value()) state.trust = std::move(held->trust);
    cache.PutDestinationState(state);
  });
}

}  // namespace verifyd
