#include "verifyd/verifier/destination_memory.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "probe/route.h"

namespace verifyd {
namespace {

// A configured route that was called like an exchange: what the operator said of it still holds, and so does that it
// has accepted somebody. What servers did, a doubt among it, may have been others' of that name.
std::optional<DestinationState> FindByFormerName(Cache& cache, const std::string& name) {
  if (!absl::StartsWith(name, Route::kSmtpMark) || absl::StrContains(name, ' ')) return std::nullopt;
  std::optional<DestinationState> former = cache.FindDestinationState(name.substr(Route::kSmtpMark.size()));
  if (!former.has_value()) return std::nullopt;
  DestinationState state;
  state.name = name;
  state.held_until = former->held_until;
  state.held_why = former->held_why;
  state.trust.last_accepted = former->trust.last_accepted;
  cache.PutDestinationState(state);
  return state;
}

}  // namespace

void RememberDestinations(Cache& cache, Prober& prober) {
  prober.Restore(cache.LoadDestinationStates());
  prober.SetRecall([&cache](const std::string& name) {
    std::optional<DestinationState> state = cache.FindDestinationState(name);
    return state.has_value() ? state : FindByFormerName(cache, name);
  });
  prober.SetObserver([&cache](DestinationState state) {
    // The guard's part and the operator's note are not the prober's to change.
    if (std::optional<DestinationState> held = cache.FindDestinationState(state.name)) {
      state.trust = std::move(held->trust);
      state.held_why = std::move(held->held_why);
    }
    cache.PutDestinationState(state);
  });
}

}  // namespace verifyd
