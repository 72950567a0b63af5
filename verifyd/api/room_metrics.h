// The counts of the rooms below, which know no metrics, as rows of the registry. A row here adds a metric.
//
// Thread: the front loop only. A room outlives the last collection of the registry that it is in.
#ifndef VERIFYD_VERIFYD_API_ROOM_METRICS_H_
#define VERIFYD_VERIFYD_API_ROOM_METRICS_H_

#include "cache/cache.h"
#include "probe/prober.h"
#include "verifyd/metrics/registry.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

void AddCacheMetrics(MetricRegistry& registry, Cache& cache);
void AddProberMetrics(MetricRegistry& registry, const Prober& prober);
void AddVerifierMetrics(MetricRegistry& registry, const Verifier& verifier);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_ROOM_METRICS_H_
