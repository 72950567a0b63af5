#include "verifyd/api/room_metrics.h"

namespace verifyd {
namespace {

constexpr MetricKind kCounter = MetricKind::kCounter;
constexpr MetricKind kGauge = MetricKind::kGauge;

}  // namespace

void AddCacheMetrics(MetricRegistry& registry, Cache& cache) {
  registry.AddCounts<CacheCounts>(
      "cache", [&cache] { return cache.counts(); },
      {{"persistent",
        MetricKind::kFlag,
        "verifyd_cache_persistent",
        {},
        "Whether answers are kept in a file, which is where it was",
        &CacheCounts::persistent},
       {"records",
        kGauge,
        "verifyd_cache_entries",
        {{"kind", "address"}},
        "What is held, by kind",
        &CacheCounts::records},
       {"domains",
        kGauge,
        "verifyd_cache_entries",
        {{"kind", "domain"}},
        "What is held, by kind",
        &CacheCounts::domains},
       {"file_bytes",
        kGauge,
        "verifyd_cache_file_bytes",
        {},
        "Size of the file of the cache",
        &CacheCounts::file_bytes},
       {"used_bytes",
        kGauge,
        "verifyd_cache_used_bytes",
        {},
        "Part of the file that is in use",
        &CacheCounts::used_bytes},
       {"evicted",
        kCounter,
        "verifyd_cache_evicted_total",
        {},
        "Entries dropped before they expired, for lack of room",
        &CacheCounts::evicted},
       {"commits",
        kCounter,
        "verifyd_cache_commits_total",
        {},
        "Transactions that were committed",
        &CacheCounts::commits},
       {"writes", kCounter, "verifyd_cache_writes_total", {}, "Changes that were written", &CacheCounts::writes},
       {"write_errors",
        kCounter,
        "verifyd_cache_write_errors_total",
        {},
        "Transactions that failed",
        &CacheCounts::write_errors},
       {"damaged",
        kCounter,
        "verifyd_cache_damaged_total",
        {},
        "Look-ups that met a value that can not be read",
        &CacheCounts::damaged},
       {"uncommitted",
        kGauge,
        "verifyd_cache_uncommitted",
        {},
        "Changes in memory that are not in the file",
        &CacheCounts::uncommitted}});
}

void AddProberMetrics(MetricRegistry& registry, const Prober& prober) {
  registry.AddCounts<ProberCounts>(
      "prober", [&prober] { return prober.counts(); },
      {{"probes", kCounter, "verifyd_probes_begun_total", {}, "Probes begun", &ProberCounts::probes},
       {"connections",
        kCounter,
        "verifyd_probe_connections_total",
        {},
        "Connections made to mail servers",
        &ProberCounts::connections},
       {"refused_connections",
        kCounter,
        "verifyd_probe_refused_connections_total",
        {},
        "Connections that mail servers did not want",
        &ProberCounts::refused_connections},
       {"sessions_now",
        kGauge,
        "verifyd_sessions",
        {},
        "Connections to mail servers that are open",
        &ProberCounts::sessions_now},
       {"queued_now",
        kGauge,
        "verifyd_probes_queued",
        {},
        "Probes that wait for a connection",
        &ProberCounts::queued_now},
       {"destinations_now",
        kGauge,
        "verifyd_destinations",
        {},
        "Destinations that are kept in mind",
        &ProberCounts::destinations_now}});
}

void AddVerifierMetrics(MetricRegistry& registry, const Verifier& verifier) {
  registry.AddRead(kGauge,
                   {.family = "verifyd_waiters",
                    .help = "Questions that wait for a probe",
                    .group = "verifier",
                    .stat = "waiting_now"},
                   [&verifier] { return static_cast<double>(verifier.waiting()); });
  registry.AddRead(kGauge,
                   {.family = "verifyd_probes_in_flight",
                    .help = "Addresses that are being probed",
                    .group = "verifier",
                    .stat = "flying_now"},
                   [&verifier] { return static_cast<double>(verifier.flying()); });
}

}  // namespace verifyd
