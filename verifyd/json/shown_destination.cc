#include "verifyd/json/shown_destination.h"

#include <string>
#include <utility>

#include "classifier/reason.h"

namespace verifyd {

namespace {

// Shows the fields that a destination and a domain there have in common.
ShownDestination ShownPlace(std::string name, const Trust& trust, const BreakerState& breaker, absl::Time now) {
  ShownDestination shown{.destination = std::move(name),
                         .believed = trust.doubt == Doubt::kNone,
                         .failures = breaker.failures,
                         .last_failure_when = breaker.last_failure_when,
                         .last_success = breaker.last_success,
                         .last_accepted = trust.last_accepted};
  if (breaker.last_failure != Reason::kNone) shown.last_failure = ReasonName(breaker.last_failure);
  if (trust.doubt != Doubt::kNone) {
    shown.doubt = trust.why;
    shown.doubted_since = trust.doubted_since;
  }
  if (breaker.open_until > now) {
    shown.left_alone_for = ReasonName(breaker.open_reason);
    shown.left_alone_until = breaker.open_until;
  }
  return shown;
}

}  // namespace

ShownDestination Shown(const DestinationState& state, absl::Time now) {
  ShownDestination shown = ShownPlace(state.name, state.trust, state.breaker, now);
  if (state.held_until > now) {
    shown.held = true;
    shown.held_until = state.held_until;
    shown.held_why = state.held_why;
  }
  return shown;
}

ShownDestination Shown(const DomainBreaker& breaker, absl::Time now) {
  return ShownPlace(breaker.Name(), breaker.trust, breaker.breaker, now);
}

ShownActivity Shown(const DestinationActivity& activity) {
  ShownActivity shown{.queued = activity.queued,
                      .connections = activity.connections,
                      .connection_limit = activity.connection_limit,
                      .addresses_per_second = activity.questions_per_second,
                      .recipients = activity.recipients,
                      .latency_ms = absl::ToDoubleMilliseconds(activity.latency),
                      .asked_this_hour = activity.asked};
  if (activity.asked > 0) shown.unknown_this_hour = activity.unknown;
  for (const RestingSource& source : activity.resting) shown.resting_sources.value.push_back(source.source_address);
  return shown;
}

}  // namespace verifyd
