#include "verifyd/metrics/metrics.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

constexpr std::array<absl::string_view, 5> kActions = {"dunno", "reject", "defer", "warn", "error"};

prometheus::Family<prometheus::Counter>& Family(prometheus::Registry& registry, const std::string& name,
                                                const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

}  // namespace

Metrics::Metrics() {
  auto& questions = Family(registry_, "verifyd_answers_total", "Questions answered, by source");
  for (const VerdictSource source : {VerdictSource::kNothing, VerdictSource::kPin, VerdictSource::kDomainFact,
                                     VerdictSource::kRecord, VerdictSource::kProbe}) {
    questions_.push_back(&questions.Add({{"source", std::string(VerdictSourceName(source))}}));
  }
  auto& probes = Family(registry_, "verifyd_probes_total", "Probes ended, by what they found");
  for (const Deliverability d : {Deliverability::kUnknown, Deliverability::kDeliverable, Deliverability::kUndeliverable,
                                 Deliverability::kRisky}) {
    probes_.push_back(&probes.Add({{"status", std::string(DeliverabilityName(d))}}));
  }
  auto& decisions = Family(registry_, "verifyd_decisions_total", "Decisions told to MTAs, by action");
  for (const absl::string_view action : kActions) {
    decisions_.push_back(&decisions.Add({{"action", std::string(action)}}));
  }
  const auto single = [this](const std::string& name, const std::string& help) {
    return &Family(registry_, name, help).Add({});
  };
  in_progress_ = single("verifyd_in_progress_total", "Questions whose patience ended before the probe");
  overload_ = single("verifyd_overload_total", "Questions turned away over the limits of probes and waiters");
  joined_ = single("verifyd_joined_total", "Questions that joined a probe in the air");
  refreshes_ = single("verifyd_refreshes_total", "Probes behind an answer from memory");
  door_requests_ = &Family(registry_, "verifyd_door_requests_total", "Requests, by door");
  door_connections_ = &Family(registry_, "verifyd_door_connections_total", "Connections accepted, by door");
  internal_errors_ = single("verifyd_internal_errors_total", "Faults inside the daemon");
}

prometheus::Counter& Metrics::decisions(absl::string_view action) {
  for (size_t i = 0; i < kActions.size(); ++i) {
    if (kActions[i] == action) return *decisions_[i];
  }
  return *decisions_.back();
}

prometheus::Counter& Metrics::door_requests(absl::string_view door) {
  return door_requests_->Add({{"door", std::string(door)}});
}

prometheus::Counter& Metrics::door_connections(absl::string_view door) {
  return door_connections_->Add({{"door", std::string(door)}});
}

std::vector<std::pair<std::string, double>> Metrics::Collect() const {
  std::vector<std::pair<std::string, double>> values;
  for (const prometheus::MetricFamily& family : registry_.Collect()) {
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::string name = family.name;
      for (const auto& label : metric.label) absl::StrAppend(&name, "{", label.name, "=\"", label.value, "\"}");
      values.emplace_back(std::move(name), metric.counter.value);
    }
  }
  return values;
}

}  // namespace verifyd
