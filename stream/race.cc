#include "stream/race.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/signal.h"

namespace verifyd {
namespace {

struct Race {
  explicit Race(Loop& loop) : changed(loop) {}
  std::vector<std::optional<Dialed>> results;
  Signal changed;
};

boost::asio::awaitable<void> Run(std::shared_ptr<Race> race, size_t number, Dialer& dialer, Endpoint endpoint,
                                 std::string source, MonoTime deadline) {
  // A connection that comes too late is closed with the race.
  race->results[number] = co_await dialer.Dial(endpoint, source, deadline);
  race->changed.NotifyAll();
}

bool Won(const std::optional<Dialed>& result) { return result.has_value() && result->stream != nullptr; }

}  // namespace

boost::asio::awaitable<std::unique_ptr<Raced>> DialFirst(Loop& loop, Dialer& dialer,
                                                         absl::Span<const Endpoint> endpoints,
                                                         const SourceAddresses& sources, MonoTime deadline) {
  const auto race = std::make_shared<Race>(loop);
  race->results.resize(endpoints.size());
  for (size_t i = 0; i < endpoints.size(); ++i) {
    loop.Spawn(Run(race, i, dialer, endpoints[i], sources.For(endpoints[i]), deadline));
    // The next begins after a moment, or when this one has ended.
    if (i + 1 == endpoints.size()) break;
    const MonoTime next = std::min(deadline, loop.clock().Mono() + kRaceDelay);
    while (!race->results[i].has_value()) {
      if (!co_await race->changed.Wait(next)) break;
    }
    if (Won(race->results[i])) break;
  }
  const auto undecided = [&] {
    return std::none_of(race->results.begin(), race->results.end(), Won) &&
           std::any_of(race->results.begin(), race->results.end(),
                       [](const auto& result) { return !result.has_value(); });
  };
  while (undecided()) co_await race->changed.Wait();
  auto raced = std::make_unique<Raced>();
  for (size_t i = endpoints.size(); i-- > 0;) {
    if (Won(race->results[i])) raced->winner = i;
    if (race->results[i].has_value() && !Won(race->results[i])) raced->failed.push_back(i);
  }
  raced->dialed = std::move(*race->results[raced->winner]);
  co_return raced;
}

}  // namespace verifyd
