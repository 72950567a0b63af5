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
  static const auto* const kTable = new std::vector<ApiRoute>{
      {"GET", "/v1/", ApiRight::kRead, {}, "This list.", HandleRoutes},
      {"POST",
       "/v1/verify",
       ApiRight::kChange,
       {"addresses", "fresh", "patience", "role", "trace"},
       "Verify addresses, from memory or by a probe; a line for each as its answer comes. A body of text/plain has an "
       "address a line, without end; the other arguments are then in the query.",
       HandleVerify},
      {"POST",
       "/v1/query",
       ApiRight::kRead,
       {"addresses", "role"},
       "What memory answers about addresses, without a probe; a line for each. Where only other spellings of one are "
       "held, those are answered.",
       HandleQuery},
      {"GET",
       "/v1/record",
       ApiRight::kRead,
       {"address"},
       "Everything that is held of an address; a line for each of its spellings that is held.",
       HandleShow},
      {"DELETE",
       "/v1/record",
       ApiRight::kChange,
       {"address"},
       "Forget the records of an address, however it is spelled, and what decides about its whole domain.",
       HandleDelete},
      {"GET",
       "/v1/records",
       ApiRight::kRead,
       {"after", "deliverability", "domain", "mx", "newer", "older", "reason"},
       "A page of what is held of addresses, a line for each; the last line says what has been looked at, and where "
       "the next page begins.",
       HandleRecords},
      {"POST",
       "/v1/records",
       ApiRight::kChange,
       {"records"},
       "Take records in, unless what is held is newer; says what became of how many, and which could not be read.",
       HandleImport},
      {"POST",
       "/v1/learned",
       ApiRight::kChange,
       {"deliveries", "dry_run"},
       "Take in what deliveries of Postfix say of their recipients, where the relay is the address's own route; says "
       "what became of how many.",
       HandleLearn},
      {"POST",
       "/v1/clean",
       ApiRight::kChange,
       {},
       "Remove what has expired from the cache now; says how many records and domains there were, and are.",
       HandleClean},
      {"DELETE",
       "/v1/records",
       ApiRight::kChange,
       {"after", "deliverability", "domain", "dry_run", "mx", "newer", "older", "reason"},
       "Forget a page of them; at least one argument must say which.",
       HandlePurge},
      {"GET", "/v1/pins", ApiRight::kRead, {}, "What the operator has set, and what is on hold.", HandlePins},
      {"POST",
       "/v1/pins",
       ApiRight::kChange,
       {"target", "status", "for", "why", "tell"},
       "Set what is held true of an address, or of a whole domain (\"@domain\"); it wins over everything.",
       HandleSet},
      {"DELETE", "/v1/pins", ApiRight::kChange, {"target"}, "Take that back.", HandleUnset},
      {"POST",
       "/v1/hold",
       ApiRight::kChange,
       {"target", "for", "why", "tell"},
       "Put \"@domain\" or a destination on hold: no probes, and what is known stays.",
       HandleHold},
      {"DELETE", "/v1/hold", ApiRight::kChange, {"target"}, "End a hold.", HandleRelease},
      {"GET",
       "/v1/destinations",
       ApiRight::kRead,
       {"target"},
       "What is remembered of destinations (doubts, holds, why they are left alone), and what goes on there now.",
       HandleDestinations},
      {"GET",
       "/v1/domains",
       ApiRight::kRead,
       {},
       "What is known of whole domains (catch-all, no such domain, ...); a line for each.",
       HandleDomains},
      {"POST",
       "/v1/trust",
       ApiRight::kChange,
       {"target"},
       "End the doubt of a destination: what it says is believed from now on.",
       HandleTrust},
      {"POST",
       "/v1/reset",
       ApiRight::kChange,
       {"target"},
       "Forget what speaks against a destination, and the pace that was found out.",
       HandleReset},
      {"GET",
       "/v1/report",
       ApiRight::kRead,
       {"since"},
       "What was refused or deferred, and what would have been, by reason, by domain and by address.",
       HandleReport},
      {"GET", "/v1/refusal", ApiRight::kRead, {"id"}, "What is remembered of a refusal (refusal_id).", HandleRefusal},
      {"POST",
       "/v1/replay",
       ApiRight::kChange,
       {"requests", "probe"},
       "What would be decided on mail of before; one report behind the last request. A body of text/plain has a "
       "request a line, without end; the other arguments are then in the query.",
       HandleReplay},
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
