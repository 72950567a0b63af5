// The registry of metrics: one list of all numbers that the daemon shows. GET /v1/stats (api/daemon_routes.h) and the
// page in the text format of Prometheus (prometheus_text.h) are two renderings of it.
//
// There are three kinds: counters, gauges and histograms. The registry keeps those that somebody counts here. A room
// below, which knows no metrics, counts in a struct of its own; that struct is read whenever the list is collected.
//
// No label may grow with the mail: none is an address, a domain, a client or a destination.
//
// Thread: the front loop only; but the counters and histograms that were handed out are for any thread.
#ifndef VERIFYD_VERIFYD_METRICS_REGISTRY_H_
#define VERIFYD_VERIFYD_METRICS_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "prometheus/client_metric.h"
#include "prometheus/counter.h"
#include "prometheus/histogram.h"
#include "prometheus/labels.h"

namespace verifyd {

enum class MetricKind : uint8_t {
  kCounter,  // only grows
  kGauge,
  kFlag,  // a gauge that is 0 or 1
  kHistogram,
};

struct MetricName {
  std::string family;  // verifyd_..., with the unit at its end, and _total behind it where it is a counter
  std::string help;    // one line; the first name of a family says it
  prometheus::Labels labels = {};
  // Its place in GET /v1/stats. Empty: it stands in the group "counters", by its family and labels.
  std::string group = "";
  std::string stat = "";
};

// One number of a struct that a room counts in.
template <typename Counts>
struct MetricRow {
  std::string stat;  // in GET /v1/stats
  MetricKind kind;
  std::string family;
  prometheus::Labels labels;
  std::string help;
  std::function<double(const Counts& counts)> value;  // a member will do
};

// A value as it was when the list was collected.
struct MetricSample {
  MetricName name;
  prometheus::ClientMetric value;  // in the field of its kind
};

// Samples that differ in their labels only.
struct MetricFamily {
  MetricKind kind;
  std::vector<MetricSample> samples;  // in the order in which they were added; at least one
};

class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  // These live as long as the registry. A name with labels that is there already gives the one that is there. All of a
  // family are of one kind.
  prometheus::Counter& AddCounter(const MetricName& name);
  // `bounds` are the upper bounds of the buckets, growing; the last one, without a bound, goes without saying.
  prometheus::Histogram& AddHistogram(const MetricName& name, const std::vector<double>& bounds);
  // Adds one of any kind but a histogram. Collect calls `read`: what it reads must live as long as Collect is called.
  void AddRead(MetricKind kind, const MetricName& name, std::function<double()> read);
  // The rows of a struct, in the group `group` of GET /v1/stats. `read` is called once for all of them.
  template <typename Counts>
  void AddCounts(absl::string_view group, std::function<Counts()> read, const std::vector<MetricRow<Counts>>& rows) {
    const auto latest = std::make_shared<Counts>();
    before_.push_back([latest, read = std::move(read)] { *latest = read(); });
    for (const MetricRow<Counts>& row : rows) {
      AddRead(
          row.kind,
          {.family = row.family, .help = row.help, .labels = row.labels, .group = std::string(group), .stat = row.stat},
          [latest, value = row.value] { return value(*latest); });
    }
  }

  // All that there is, now; families in the order in which they were added.
  std::vector<MetricFamily> Collect() const;

 private:
  struct Series;
  struct Family;

  Series& Add(MetricKind kind, const MetricName& name);

  std::vector<std::unique_ptr<Family>> families_;
  std::vector<std::function<void()>> before_;  // a collection
};

// "verifyd_probes_total{status="risky"}"
std::string FullName(const MetricName& name);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_METRICS_REGISTRY_H_
