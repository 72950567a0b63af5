#include "verifyd/api/api.h"

#include <array>
#include <utility>
#include <variant>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/json.hpp"
#include "verifyd/api/api_arguments.h"
#include "verifyd/api/cache_routes.h"
#include "verifyd/api/daemon_routes.h"
#include "verifyd/api/decision_routes.h"
#include "verifyd/api/destination_routes.h"
#include "verifyd/api/memory_routes.h"
#include "verifyd/api/verify_routes.h"
#include "verifyd/json/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

ApiReply HandleRoutes(ApiContext& /*context*/, const ApiArguments& /*arguments*/) {
  json::array routes;
  for (const ApiRoute& route : ApiRoutes()) {
    json::object entry;
    entry["method"] = JsonText(route.method);
    entry["path"] = JsonText(route.path);
    entry["right"] = route.right == ApiRight::kRead ? "read" : "change";
    json::object documented;
    for (const absl::string_view name : route.arguments) {
      documented[json::string_view(name.data(), name.size())] = JsonText(ApiArgumentDocumentation(name));
    }
    entry["arguments"] = std::move(documented);
    entry["documentation"] = JsonText(route.documentation);
    routes.push_back(std::move(entry));
  }
  json::object object;
  object["routes"] = std::move(routes);
  return JsonReply(object);
}

// While the settings can not be used nothing is known, and a change would be forgotten.
bool WorksWithoutSettings(const ApiRoute& route) {
  constexpr std::array<absl::string_view, 5> kWork = {"/v1/", "/v1/status", "/v1/stats", "/v1/config", "/v1/reload"};
  return absl::c_linear_search(kWork, route.path);
}

ApiReply Answer(ApiContext& context, const ApiRoute& route, const ApiArguments& arguments) {
  if (const auto* const either = std::get_if<EitherHandler>(&route.handler)) return (*either)(context, arguments);
  const auto* const memory = std::get_if<MemoryHandler>(&route.handler);
  if (memory != nullptr) return (*memory)(context.memory, arguments);
  if (!context.daemon.has_value()) return ApiError(503, "verifyd is not running");
  return std::get<DaemonHandler>(route.handler)(context.memory, *context.daemon, arguments);
}

bool TakesLines(const ApiRoute& route) {
  return absl::c_linear_search(route.arguments, "addresses") || absl::c_linear_search(route.arguments, "requests");
}

}  // namespace

const std::vector<ApiRoute>& ApiRoutes() {
  static const auto* const kTable = [] {
    auto* const table = new std::vector<ApiRoute>{{"GET", "/v1/", ApiRight::kRead, {}, "This list.", HandleRoutes}};
    for (const auto routes_of :
         {VerifyRoutes, MemoryRoutes, CacheRoutes, DestinationRoutes, DecisionRoutes, DaemonRoutes}) {
      const std::vector<ApiRoute> routes = routes_of();
      table->insert(table->end(), routes.begin(), routes.end());
    }
    return table;
  }();
  return *kTable;
}

ApiReply HandleApiRequest(ApiContext& context, const ApiRequest& request) {
  const std::pair<absl::string_view, absl::string_view> target =
      absl::StrSplit(request.target, absl::MaxSplits('?', 1));
  bool path_known = false;
  for (const ApiRoute& route : ApiRoutes()) {
    if (route.path != target.first) continue;
    path_known = true;
    if (route.method != request.method) continue;
    if (route.right == ApiRight::kChange && request.right != ApiRight::kChange) {
      return ApiError(403, "this needs the right to change, you may only look");
    }
    ApiArguments arguments;
    arguments.lines = request.lines;
    ApiArgumentReader reader(absl::StrCat(route.method, " ", route.path), route.arguments, arguments);
    absl::Status status = reader.TakeQuery(target.second);
    if (request.lines && !TakesLines(route)) {
      return ApiError(415, "this takes no lines of text, only a JSON object");
    }
    if (status.ok()) status = reader.TakeBody(request.body);
    if (!status.ok()) return ApiError(400, status.message());
    if (!context.memory.settings.usable && !WorksWithoutSettings(route)) {
      return ApiError(503, "nothing is verified: the settings can not be used; see verifyctl status");
    }
    return Answer(context, route, arguments);
  }
  if (path_known) return ApiError(405, "this path is not for this method; GET /v1/ lists what there is");
  return ApiError(404, "no such path; GET /v1/ lists what there is");
}

}  // namespace verifyd
