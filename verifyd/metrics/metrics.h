// The counters of the verifier and the doors, by name, and the registry that holds them beside the counts of other
// rooms.
//
// Thread: any (the counters are atomic), but for what adds a counter: the front loop.
#ifndef VERIFYD_VERIFYD_METRICS_METRICS_H_
#define VERIFYD_VERIFYD_METRICS_METRICS_H_

#include <cstddef>
#include <vector>

#include "absl/strings/string_view.h"
#include "mail/finding.h"
#include "mail/verdict.h"
#include "prometheus/counter.h"
#include "verifyd/metrics/registry.h"

namespace verifyd {

class Metrics {
 public:
  Metrics();

  prometheus::Counter& questions(VerdictSource source) { return *questions_[static_cast<size_t>(source)]; }
  prometheus::Counter& in_progress() { return *in_progress_; }
  prometheus::Counter& overload() { return *overload_; }
  prometheus::Counter& probes(Deliverability d) { return *probes_[static_cast<size_t>(d)]; }
  prometheus::Counter& joined() { return *joined_; }
  prometheus::Counter& refreshes() { return *refreshes_; }
  // "dunno", "reject", "defer", "would_reject", "would_defer", "error"
  prometheus::Counter& decisions(absl::string_view action);
  // By the name of a door; for it to keep.
  prometheus::Counter& door_requests(absl::string_view door);
  prometheus::Counter& door_connections(absl::string_view door);
  prometheus::Counter& internal_errors() { return *internal_errors_; }

  // For what else is counted, and to be shown.
  MetricRegistry& registry() { return registry_; }

 private:
  MetricRegistry registry_;
  std::vector<prometheus::Counter*> questions_;
  std::vector<prometheus::Counter*> probes_;
  std::vector<prometheus::Counter*> decisions_;
  prometheus::Counter* in_progress_;
  prometheus::Counter* overload_;
  prometheus::Counter* joined_;
  prometheus::Counter* refreshes_;
  prometheus::Counter* internal_errors_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_METRICS_METRICS_H_
