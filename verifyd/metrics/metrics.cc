#include "verifyd/metrics/metrics.h"

#include <array>
#include <string>
#include <utility>

namespace verifyd {
namespace {

constexpr std::array<absl::string_view, 6> kActions = {"dunno",        "reject",      "defer",
                                                       "would_reject", "would_defer", "error"};

}  // namespace

Metrics::Metrics() {
  const auto add = [this](absl::string_view family, absl::string_view help, prometheus::Labels labels = {}) {
    return &registry_.AddCounter(
        {.family = std::string(family), .help = std::string(help), .labels = std::move(labels)});
  };
  for (const VerdictSource source : {VerdictSource::kNothing, VerdictSource::kPin, VerdictSource::kDomainFact,
                                     VerdictSource::kRecord, VerdictSource::kProbe}) {
    questions_.push_back(add("verifyd_answers_total", "Questions answered, by source",
                             {{"source", std::string(VerdictSourceName(source))}}));
  }
  for (const Deliverability d : {Deliverability::kUnknown, Deliverability::kDeliverable, Deliverability::kUndeliverable,
                                 Deliverability::kRisky}) {
    probes_.push_back(add("verifyd_probes_total", "Probes ended, by what they found",
                          {{"status", std::string(DeliverabilityName(d))}}));
  }
  for (const absl::string_view action : kActions) {
    decisions_.push_back(
        add("verifyd_decisions_total", "Decisions told to MTAs, by action", {{"action", std::string(action)}}));
  }
  in_progress_ = add("verifyd_in_progress_total", "Questions whose patience ended before the probe");
  overload_ = add("verifyd_overload_total", "Questions turned away over the limits of probes and waiters");
  joined_ = add("verifyd_joined_total", "Questions that joined a probe in the air");
  refreshes_ = add("verifyd_refreshes_total", "Probes behind an answer from memory");
  internal_errors_ = add("verifyd_internal_errors_total", "Faults inside the daemon");
}

prometheus::Counter& Metrics::decisions(absl::string_view action) {
  for (size_t i = 0; i < kActions.size(); ++i) {
    if (kActions[i] == action) return *decisions_[i];
  }
  return *decisions_.back();
}

prometheus::Counter& Metrics::door_requests(absl::string_view door) {
  return registry_.AddCounter(
      {.family = "verifyd_door_requests_total", .help = "Requests, by door", .labels = {{"door", std::string(door)}}});
}

prometheus::Counter& Metrics::door_connections(absl::string_view door) {
  return registry_.AddCounter({.family = "verifyd_door_connections_total",
                               .help = "Connections accepted, by door",
                               .labels = {{"door", std::string(door)}}});
}

}  // namespace verifyd
