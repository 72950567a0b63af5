// What every route of the api is made of: request, reply, right, and what it works on.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_ROUTE_H_
#define VERIFYD_VERIFYD_API_ROUTE_H_

#include <cstdint>
#include <functional>
#include <memory>
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
#include "cache/lifetime.h"
#include "probe/prober.h"
#include "verdict/classifier.h"
#include "verifyd/api/api_arguments.h"
#include "verifyd/line_source.h"
#include "verifyd/metrics.h"
#include "verifyd/record/decision_record.h"
#include "verifyd/restriction/restriction.h"
#include "verifyd/verifier.h"

namespace verifyd {

// What the settings mean for the routes; handed in at the start and at each reload.
struct ApiSettings {
  // False: the settings can not be used. Only the routes about the daemon itself answer.
  bool usable = true;
  Lifetimes lifetimes;
  // How long a probe is waited for where the question does not say.
  absl::Duration patience = absl::Seconds(300);
  // Judges what deliveries say.
  std::shared_ptr<const Classifier> classifier;
  // What is allowed but probably not meant: a reload shows it.
  std::vector<std::string> warnings;
};

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
  // Reads the settings file again; comes back when they are in force, with the names of settings that have changed and
  // take effect after a restart only. An error says why the old settings stay.
  std::function<boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>>()> reload;
  // Numbers of the rooms the context does not know: {"policy_connections", 12}. May be empty.
  std::function<std::vector<std::pair<std::string, double>>()> more_stats;
  // The finished answers of GET /v1/config and GET /v1/status. Null where no daemon runs.
  std::function<std::string()> config;
  std::function<std::string()> status;
  ApiSettings settings;  // those in force
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

ApiReply JsonReply(const boost::json::object& object);
// {"error": "..."} with this status.
ApiReply ApiError(int status, absl::string_view message);

// All of `lines` at once, which are bounded.
LineSource OneBlock(std::string lines);
// A line for each.
LineSource LinesOf(const std::vector<std::string>& addresses);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_ROUTE_H_
