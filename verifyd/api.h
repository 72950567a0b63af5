// The api: what may be asked of a running verifyd, and how it answers. One table of routes with method, path, right,
// arguments and documentation; GET /v1/ shows it. It knows JSON but not HTTP: the control socket (door/control.h)
// carries it to verifyctl, and tests call it as it is.
//
// Every answer is one JSON object, or a stream of lines with one object each (application/x-ndjson). What went wrong is
// {"error": "..."}, with status 400 (the request), 403 (the right), 404 (nothing there), 405 (the method), 503 (us) or
// 500 (a fault in us).
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_H_
#define VERIFYD_VERIFYD_API_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json/fwd.hpp"
#include "cache/cache.h"
#include "mail/question.h"
#include "probe/prober.h"
#include "verifyd/api_arguments.h"
#include "verifyd/line_source.h"
#include "verifyd/metrics.h"
#include "verifyd/record/decision_record.h"
#include "verifyd/restriction/restriction.h"
#include "verifyd/status.h"
#include "verifyd/verifier.h"

namespace verifyd {

struct Configuration;

// What the routes work on. All of it outlives whoever holds the context, and the lines of every stream.
struct ApiContext {
  Loop& loop;
  Verifier& verifier;
  Cache& cache;
  Prober& prober;
  Metrics& metrics;
  // Null where no mail is decided on; their routes answer 503 then.
  Restrictions* restrictions = nullptr;
  DecisionRecord* record = nullptr;
  // The one in force.
  std::function<std::shared_ptr<const Configuration>()> configuration;
  // Reads the settings file again; comes back when they are in force, with the names of settings that have changed and
  // take effect after a restart only. An error says why the old settings stay.
  std::function<boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>>()> reload;
  // Numbers of the rooms the context does not know: {"policy_connections", 12}. May be empty.
  std::function<std::vector<std::pair<std::string, double>>()> more_stats;
  // Null where no daemon runs.
  std::function<DaemonStatus()> daemon_status;
};

// Looking and changing are separate rights; who may change may look.
enum class ApiRight : uint8_t { kRead, kChange };

struct ApiRequest {
  std::string method;  // "GET"
  std::string target;  // "/v1/record?address=joe%40example.com"
  std::string body;    // a JSON object with the arguments, or empty
  LineSource lines;    // instead of the body, where a route takes addresses or requests: one a line, without end
  ApiRight right = ApiRight::kRead;  // what the asker may do
};

struct ApiReply {
  int status = 200;  // as in HTTP
  std::string body;  // a JSON object
  LineSource lines;  // if set, these instead of the body
  // If set, what comes of it is the reply, instead of this one. To be called once.
  std::function<boost::asio::awaitable<ApiReply>()> later;
};

struct ApiRoute {
  absl::string_view method;
  absl::string_view path;
  ApiRight right;
  std::vector<absl::string_view> arguments;
  absl::string_view documentation;  // one line
  ApiReply (*handler)(ApiContext& context, const ApiArguments& arguments);
};

const std::vector<ApiRoute>& ApiRoutes();

// Finds the route, parses the arguments (from the query string, then from the body) and answers. Never blocks; what
// takes time is in the lines, or comes later. `context` must outlive them.
ApiReply HandleApiRequest(ApiContext& context, const ApiRequest& request);

ApiReply JsonReply(const boost::json::object& object);
// {"error": "..."} with this status.
ApiReply ApiError(int status, absl::string_view message);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_H_
