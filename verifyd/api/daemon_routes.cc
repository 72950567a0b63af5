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

namespace verifyd {
namespace {

namespace json = boost::json;

int HttpStatusOf(const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) return 400;
  if (absl::IsNotFound(status)) return 404;
  return 503;
}

json::object CacheStats(const CacheCounts& counts) {
  json::object object = {
      {"persistent", counts.persistent}, {"records", counts.records},        {"domains", counts.domains},
      {"file_bytes", counts.file_bytes}, {"used_bytes", counts.used_bytes},  {"evicted", counts.evicted},
      {"commits", counts.commits},       {"writes", counts.writes},          {"write_errors", counts.write_errors},
      {"damaged", counts.damaged},       {"uncommitted", counts.uncommitted}};
  if (!counts.write_error.empty()) object["write_error"] = JsonText(counts.write_error);
  return object;
}

json::object ProberStats(const ProberCounts& counts) {
  return {{"probes", counts.probes},
          {"connections", counts.connections},
          {"refused_connections", counts.refused_connections},
          {"sessions_now", counts.sessions_now},
          {"queued_now", counts.queued_now},
          {"destinations_now", counts.destinations_now}};
}

// Counters are doubles that hold whole numbers; "12.0" would only puzzle.
json::value Number(double value) {
  const auto whole = static_cast<int64_t>(value);
  if (static_cast<double>(whole) == value) return whole;
  return value;
}

json::object Numbers(const std::vector<std::pair<std::string, double>>& values) {
  json::object object;
  for (const auto& [name, value] : values) object[name] = Number(value);
  return object;
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

ApiReply HandleStats(ApiContext& context, const ApiArguments& /*arguments*/) {
  json::object object;
  object["cache"] = CacheStats(context.memory.cache.counts());
  if (!context.daemon.has_value()) return JsonReply(object);
  ApiDaemon& daemon = *context.daemon;
  object["prober"] = ProberStats(daemon.prober.counts());
  object["verifier"] = {{"waiting_now", daemon.verifier.waiting()}, {"flying_now", daemon.verifier.flying()}};
  object["daemon"] = Numbers(daemon.more_stats());
  object["counters"] = Numbers(daemon.metrics.Collect());
  return JsonReply(object);
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
