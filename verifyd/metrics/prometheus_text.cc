#include "verifyd/metrics/prometheus_text.h"

#include <utility>
#include <vector>

#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"
#include "prometheus/text_serializer.h"

namespace verifyd {
namespace {

prometheus::MetricType TypeOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricKind::kGauge:
    case MetricKind::kFlag:
      return prometheus::MetricType::Gauge;
    case MetricKind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

}  // namespace

std::string PrometheusText(const MetricRegistry& registry) {
  std::vector<prometheus::MetricFamily> families;
  for (MetricFamily& family : registry.Collect()) {
    const MetricName& name = family.samples.front().name;
    prometheus::MetricFamily& out = families.emplace_back();
    out.name = name.family;
    out.help = name.help;
    out.type = TypeOf(family.kind);
    for (MetricSample& sample : family.samples) out.metric.push_back(std::move(sample.value));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace verifyd
