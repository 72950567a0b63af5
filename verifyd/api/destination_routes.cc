#include "verifyd/api/destination_routes.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
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

namespace verifyd {
namespace {

// What is longer is no name, and is shown cut.
constexpr size_t kShownTarget = Address::kMaxAddress;

// What is asked next shows it, though the prober's loop may not have heard of it yet.
void HoldDestination(ApiMemory& memory, ApiDaemon& daemon, DestinationState state, absl::Time until,
                     absl::string_view why) {
  state.held_until = until;
  state.held_why = std::string(why);
  memory.cache.PutDestinationState(state);
  daemon.prober.Hold(state.name, until);
}

// What is kept of one domain at a destination stands beside the destinations as "DESTINATION DOMAIN". Only the guard's
// doubt of it is the operator's to end: it is no destination, and a hold or reset of that name would reach nobody.
std::optional<ApiReply> RefuseDomainAtDestination(absl::string_view target) {
  const size_t blank = target.rfind(' ');
  if (blank == absl::string_view::npos) return std::nullopt;
  const std::string destination = Printable(target.substr(0, blank), kShownTarget);
  const std::string domain = Printable(target.substr(blank + 1), kShownTarget);
  return ApiError(400,
                  absl::StrCat("\"target\": found ", domain, " at ", destination, ", expected the destination, \"",
                               destination, "\", which has its domains with it, or, for a hold, \"@", domain, "\""));
}

// What is remembered, with what goes on there now where somebody asks there (`prober`).
boost::asio::awaitable<std::string> DestinationsNow(Prober* prober, std::string name,
                                                    std::vector<DestinationState> states, absl::Time now) {
  absl::flat_hash_map<std::string, DestinationActivity> active;
  if (prober != nullptr) {
    for (DestinationActivity& activity : co_await prober->Activity(name)) active[activity.name] = std::move(activity);
  }
  ShownDestinations shown;
  for (const DestinationState& state : states) {
    shown.destinations.push_back(Shown(state, now));
    const auto found = active.find(state.name);
    if (found != active.end()) shown.destinations.back().now = Shown(found->second);
  }
  co_return JsonLine(shown);
}

}  // namespace

// "@domain", or the name of a destination.
ApiReply HandleHold(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  const Pin hold = PinOf(arguments, memory.loop.clock().Now());
  if (absl::StartsWith(arguments.target, "@")) {
    const absl::StatusOr<std::string> domain = ParseDomain(absl::string_view(arguments.target).substr(1));
    if (!domain.ok()) return ApiError(400, absl::StrCat("\"target\": ", domain.status().message()));
    memory.cache.PutPin(Pin::HoldKey(*domain), hold);
  } else if (std::optional<ApiReply> refused = RefuseDomainAtDestination(arguments.target)) {
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
  ShownPin shown = Shown(arguments.target, hold);
  shown.status = kShownHold;
  return JsonReply(AsJson(shown));
}

ApiReply HandleRelease(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  const absl::Time now = memory.loop.clock().Now();
  bool held = false;
  if (absl::StartsWith(arguments.target, "@")) {
    const absl::StatusOr<std::string> domain = ParseDomain(absl::string_view(arguments.target).substr(1));
    if (!domain.ok()) return ApiError(400, absl::StrCat("\"target\": ", domain.status().message()));
    held = memory.cache.DeletePin(Pin::HoldKey(*domain));
  } else if (std::optional<ApiReply> refused = RefuseDomainAtDestination(arguments.target)) {
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
  std::vector<DestinationState> states = context.memory.cache.LoadDestinationStates();
  absl::c_sort(states, [](const DestinationState& a, const DestinationState& b) { return a.name < b.name; });
  if (!arguments.target.empty()) {
    std::erase_if(states, [&](const DestinationState& state) { return state.name != arguments.target; });
    if (states.empty()) {
      return ApiError(404, absl::StrCat("nothing is held of ", Printable(arguments.target, kShownTarget)));
    }
  }
  ApiReply reply;
  reply.lines = [prober = context.daemon.has_value() ? &context.daemon->prober : nullptr, name = arguments.target,
                 states = std::move(states), now,
                 done = false]() mutable -> boost::asio::awaitable<std::optional<std::string>> {
    if (std::exchange(done, true)) co_return std::nullopt;
    co_return co_await DestinationsNow(prober, name, std::move(states), now);
  };
  return reply;
}

ApiReply HandleTrust(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  const std::string shown = Printable(arguments.target, kShownTarget);
  if (!daemon.verifier.Trust(arguments.target)) return ApiError(404, absl::StrCat("nothing is held of ", shown));
  return JsonReply(AsJson(ShownChange{.target = shown, .believed = true}));
}

// A destination begins anew: no breaker, no pace that was found out, no resting source. Doubt and hold have their own
// verbs.
ApiReply HandleReset(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  if (std::optional<ApiReply> refused = RefuseDomainAtDestination(arguments.target)) return *std::move(refused);
  const std::string shown = Printable(arguments.target, kShownTarget);
  if (!memory.cache.FindDestinationState(arguments.target).has_value()) {
    return ApiError(404, absl::StrCat("nothing is held of ", shown));
  }
  daemon.prober.Reset(arguments.target);
  return JsonReply(AsJson(ShownChange{.target = shown, .reset = true}));
}

}  // namespace verifyd
