#include "verifyd/api/daemon_routes.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json.hpp"
#include "verifyd/json/described.h"
#include "verifyd/json/json.h"
#include "verifyd/json/shown_status.h"
#include "verifyd/metrics/registry.h"

namespace verifyd {
namespace {

namespace json = boost::json;

int HttpStatusOf(const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) return 400;
  if (absl::IsNotFound(status)) return 404;
  return 503;
}

// Counters are doubles that hold whole numbers; "12.0" would only puzzle.
json::value Number(double value) {
  const auto whole = static_cast<int64_t>(value);
  if (static_cast<double>(whole) == value) return whole;
  return value;
}

// In its place of `group`.
void AddSample(MetricKind kind, const MetricSample& sample, json::object& group) {
  const std::string name = sample.name.stat.empty() ? FullName(sample.name) : sample.name.stat;
  switch (kind) {
    case MetricKind::kCounter:
      group[name] = Number(sample.value.counter.value);
      return;
    case MetricKind::kGauge:
      group[name] = Number(sample.value.gauge.value);
      return;
    case MetricKind::kFlag:
      group[name] = sample.value.gauge.value != 0;
      return;
    case MetricKind::kHistogram:
      group[name] = {{"count", sample.value.histogram.sample_count}, {"sum", sample.value.histogram.sample_sum}};
      return;
  }
}

// Its groups in the order in which they were added; behind them what has no place of its own.
json::object StatsOf(const MetricRegistry& registry) {
  json::object stats;
  json::object counters;
  for (const MetricFamily& family : registry.Collect()) {
    for (const MetricSample& sample : family.samples) {
      if (sample.name.group.empty()) {
        AddSample(family.kind, sample, counters);
      } else {
        json::value& group = stats[sample.name.group];
        AddSample(family.kind, sample, group.is_null() ? group.emplace_object() : group.get_object());
      }
    }
  }
  if (!counters.empty()) stats["counters"] = std::move(counters);
  return stats;
}

ApiReply Finished(std::string body) {
  ApiReply reply;
  reply.body = std::move(body);
  return reply;
}

boost::asio::awaitable<ApiReply> Reload(ApiMemory& memory, ApiDaemon& daemon) {
  const absl::StatusOr<std::vector<std::string>> later = co_await daemon.reload();
  if (!later.ok()) co_return ApiError(HttpStatusOf(later.status()), later.status().message());
  const ShownReload shown{.reloaded = true, .warnings = memory.settings.warnings, .wait_for_restart = *later};
  co_return JsonReply(AsJson(shown));
}

ApiReply HandleStats(ApiMemory& memory, const ApiArguments& /*arguments*/) {
  json::object stats = StatsOf(memory.metrics);
  const std::string fault = memory.cache.counts().write_error;
  json::value* const cache = stats.if_contains("cache");
  if (cache != nullptr && !fault.empty()) cache->get_object()["write_error"] = JsonText(fault);
  return JsonReply(stats);
}

ApiReply HandleStatus(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& /*arguments*/) {
  return Finished(daemon.status());
}

ApiReply HandleConfig(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& /*arguments*/) {
  return Finished(daemon.config());
}

ApiReply HandleReload(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& /*arguments*/) {
  ApiReply reply;
  reply.later = [&memory, &daemon] { return Reload(memory, daemon); };
  return reply;
}

}  // namespace

std::vector<ApiRoute> DaemonRoutes() {
  return {
      {"GET", "/v1/stats", ApiRight::kRead, {}, "Counters and gauges.", HandleStats},
      {"GET",
       "/v1/status",
       ApiRight::kRead,
       {},
       "Whether all is well (level 0), something is to be mended (1), or mail is not verified (2), and what.",
       HandleStatus},
      {"GET", "/v1/config", ApiRight::kRead, {}, "All settings as the daemon has them.", HandleConfig},
      {"POST", "/v1/reload", ApiRight::kChange, {}, "Read the settings file again.", HandleReload},
  };
}

}  // namespace verifyd
