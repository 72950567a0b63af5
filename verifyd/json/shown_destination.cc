#include "verifyd/json/shown_destination.h"

#include "classifier/reason.h"

namespace verifyd {

ShownDestination Shown(const DestinationState& state, absl::Time now) {
  ShownDestination shown{.destination = state.name,
                         .believed = state.trust.doubt == Doubt::kNone,
                         .failures = state.failures,
                         .last_failure_when = state.last_failure_when,
                         .last_success = state.last_success,
                         .last_accepted = state.trust.last_accepted};
  if (state.last_failure != Reason::kNone) shown.last_failure = ReasonName(state.last_failure);
  if (state.trust.doubt != Doubt::kNone) {
    shown.doubt = state.trust.why;
    shown.doubted_since = state.trust.doubted_since;
  }
  if (state.held_until > now) {
    shown.held = true;
    shown.held_until = state.held_until;
    shown.held_why = state.held_why;
  }
  if (state.open_until > now) {
    shown.left_alone_for = ReasonName(state.open_reason);
    shown.left_alone_until = state.open_until;
  }
  return shown;
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
