// The metrics as Prometheus reads them: its text format, version 0.0.4.
//
// Thread: that of the registry.
#ifndef VERIFYD_VERIFYD_METRICS_PROMETHEUS_TEXT_H_
#define VERIFYD_VERIFYD_METRICS_PROMETHEUS_TEXT_H_

#include <string>

#include "verifyd/metrics/registry.h"

namespace verifyd {

std::string PrometheusText(const MetricRegistry& registry);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_METRICS_PROMETHEUS_TEXT_H_
