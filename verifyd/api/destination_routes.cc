#include "verifyd/api/destination_routes.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "base/text.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "mail/address.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_destination.h"
#include "verifyd/json/shown_record.h"
#include "verifyd/verifier/guard.h"

namespace verifyd {
namespace {

// Longer text is no name, and is shown cut.
constexpr size_t kShownTarget = Address::kMaxAddress;

// The next question shows the hold, though the prober's loop may not have heard of it yet.
void HoldDestination(ApiMemory& memory, ApiDaemon& daemon, DestinationState state, absl::Time until,
                     absl::string_view why) {
  state.held_until = until;
  state.held_why = std::string(why);
  memory.cache.PutDestinationState(state);
  daemon.prober.Hold(state.name, until);
}

// The operator sees and names a domain at a destination as "DESTINATION DOMAIN" (DomainBreaker::Name).
Guard::Place PlaceOf(Cache& cache, absl::string_view target) {
  const auto place = DomainBreaker::SplitName(target);
  if (!place.has_value() || cache.FindDestinationState(std::string(target)).has_value()) {
    return {.destination = target};
  }
  return {.destination = place->first, .domain = place->second};
}

std::optional<ApiReply> RefuseDomainAtDestination(Cache& cache, absl::string_view target) {
  const Guard::Place place = PlaceOf(cache, target);
  if (place.domain.empty()) return std::nullopt;
  const std::string destination = Printable(place.destination, kShownTarget);
  const std::string domain = Printable(place.domain, kShownTarget);
  return ApiError(400,
                  absl::StrCat("\"target\": found ", domain, " at ", destination, ", expected the destination, \"",
                               destination, "\", which has its domains with it, or, for a hold, \"@", domain, "\""));
}

// Returns what is remembered, by name: of the destination, or the domain there, of this name, or of all ("").
std::map<std::string, ShownDestination> Remembered(Cache& cache, absl::string_view name, absl::Time now) {
  std::map<std::string, ShownDestination> shown;
  for (const DestinationState& state : cache.LoadDestinationStates()) {
    if (name.empty() || state.name == name) shown.emplace(state.name, Shown(state, now));
  }
  for (const DomainBreaker& breaker : cache.LoadDomainBreakers()) {
    std::string its_name = breaker.Name();
    if (name.empty() || its_name == name) shown.emplace(std::move(its_name), Shown(breaker, now));
  }
  return shown;
}

// Adds the activity there now where a prober runs.
boost::asio::awaitable<std::string> DestinationsNow(Prober* prober, std::string name,
                                                    std::map<std::string, ShownDestination> remembered) {
  if (prober != nullptr) {
    for (const DestinationActivity& activity : co_await prober->Activity(name)) {
      const auto found = remembered.find(activity.name);
      if (found != remembered.end()) found->second.now = Shown(activity);
    }
  }
  ShownDestinations shown;
  for (auto& [its_name, destination] : remembered) shown.destinations.push_back(std::move(destination));
  co_return JsonLine(shown);
}

// The target is "@domain", or the name of a destination.
ApiReply HandleHold(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  const Hold hold = HoldOf(arguments, memory.loop.clock().Now());
  if (absl::StartsWith(arguments.target, "@")) {
    const absl::StatusOr<std::string> domain = ParseDomain(absl::string_view(arguments.target).substr(1));
    if (!domain.ok()) return ApiError(400, absl::StrCat("\"target\": ", domain.status().message()));
    memory.cache.PutHold(*domain, hold);
  } else if (std::optional<ApiReply> refused = RefuseDomainAtDestination(memory.cache, arguments.target)) {
    return *std::move(refused);
  } else if (std::optional<DestinationState> state = memory.cache.FindDestinationState(arguments.target)) {
    if (hold.tell) return ApiError(400, "clients can be told why of \"@domain\" only, not of a destination");
    HoldDestination(memory, daemon, *std::move(state), hold.until, hold.why);
  } else {
    const absl::StatusOr<std::string> domain = ParseDomain(arguments.target);
    return ApiError(404, absl::StrCat("no destination ", Printable(arguments.target, kShownTarget),
                                      " is known (`verifyctl destinations` shows their names)",
                                      domain.ok() ? absl::StrCat("; did you mean @", *domain, "?") : ""));
  }
  LogInfo(absl::StrCat("control: ", Printable(arguments.target, kShownTarget), " is on hold"));
  return JsonReply(AsJson(Shown(arguments.target, hold)));
}

ApiReply HandleRelease(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  const absl::Time now = memory.loop.clock().Now();
  bool held = false;
  if (absl::StartsWith(arguments.target, "@")) {
    const absl::StatusOr<std::string> domain = ParseDomain(absl::string_view(arguments.target).substr(1));
    if (!domain.ok()) return ApiError(400, absl::StrCat("\"target\": ", domain.status().message()));
    held = memory.cache.DeleteHold(*domain);
  } else if (std::optional<ApiReply> refused = RefuseDomainAtDestination(memory.cache, arguments.target)) {
    return *std::move(refused);
  } else if (const auto state = memory.cache.FindDestinationState(arguments.target)) {
    held = state->held_until > now;
    if (held) HoldDestination(memory, daemon, *state, absl::InfinitePast(), "");
  }
  const std::string shown = Printable(arguments.target, kShownTarget);
  if (!held) return ApiError(404, absl::StrCat(shown, " is not on hold"));
  LogInfo(absl::StrCat("control: ", shown, " is not on hold any more"));
  return JsonReply(AsJson(ShownPin{.target = shown, .released = true}));
}

ApiReply HandleDestinations(ApiContext& context, const ApiArguments& arguments) {
  const absl::Time now = context.memory.loop.clock().Now();
  std::map<std::string, ShownDestination> remembered = Remembered(context.memory.cache, arguments.target, now);
  if (!arguments.target.empty() && remembered.empty()) {
    return ApiError(404, absl::StrCat("nothing is held of ", Printable(arguments.target, kShownTarget)));
  }
  ApiReply reply;
  reply.lines = [prober = context.daemon.has_value() ? &context.daemon->prober : nullptr, name = arguments.target,
                 remembered = std::move(remembered),
                 done = false]() mutable -> boost::asio::awaitable<std::optional<std::string>> {
    if (std::exchange(done, true)) co_return std::nullopt;
    co_return co_await DestinationsNow(prober, name, std::move(remembered));
  };
  return reply;
}

ApiReply HandleTrust(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  const std::string shown = Printable(arguments.target, kShownTarget);
  if (!daemon.verifier.Trust(PlaceOf(memory.cache, arguments.target))) {
    return ApiError(404, absl::StrCat("nothing is held of ", shown));
  }
  return JsonReply(AsJson(ShownChange{.target = shown, .believed = true}));
}

// Lets a destination begin anew: no breaker, no pace that was found out, no resting source. Doubt and hold have their
// own verbs.
ApiReply HandleReset(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  if (std::optional<ApiReply> refused = RefuseDomainAtDestination(memory.cache, arguments.target)) {
    return *std::move(refused);
  }
  const std::string shown = Printable(arguments.target, kShownTarget);
  if (!memory.cache.FindDestinationState(arguments.target).has_value()) {
    return ApiError(404, absl::StrCat("nothing is held of ", shown));
  }
  daemon.prober.Reset(arguments.target);
  return JsonReply(AsJson(ShownChange{.target = shown, .reset = true}));
}

}  // namespace

std::vector<ApiRoute> DestinationRoutes() {
  return {
      {"POST",
       "/v1/hold",
       ApiRight::kChange,
       {"target", "for", "why", "tell"},
       "Put \"@domain\" or a destination on hold: no probes, and what is known stays.",
       HandleHold},
      {"DELETE", "/v1/hold", ApiRight::kChange, {"target"}, "End a hold.", HandleRelease},
      {"GET",
       "/v1/destinations",
       ApiRight::kRead,
       {"target"},
       "What is remembered of destinations (doubts, holds, why they are left alone), and what goes on there now.",
       HandleDestinations},
      {"POST",
       "/v1/trust",
       ApiRight::kChange,
       {"target"},
       "End the doubt of a destination: what it says is believed from now on.",
       HandleTrust},
      {"POST",
       "/v1/reset",
       ApiRight::kChange,
       {"target"},
       "Forget what speaks against a destination, and the pace that was found out.",
       HandleReset},
  };
}

}  // namespace verifyd
