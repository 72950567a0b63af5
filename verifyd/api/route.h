// The parts of every route of the api: request, reply, right, and the rooms it works on.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_API_ROUTE_H_
#define VERIFYD_VERIFYD_API_ROUTE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/line_source.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json/fwd.hpp"
#include "cache/cache.h"
#include "cache/lifetime.h"
#include "classifier/classifier.h"
#include "mail/question.h"
#include "mail/verdict.h"
#include "probe/prober.h"
#include "verifyd/api/api_arguments.h"
#include "verifyd/history/decision_record.h"
#include "verifyd/metrics/metrics.h"
#include "verifyd/restriction/restrictions.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

// The settings in the routes' own terms; handed in at the start and at each reload.
struct ApiSettings {
  // False: the settings can not be used. Only the routes about the daemon itself answer.
  bool usable = true;
  Lifetimes lifetimes;
  // The wait for a probe where the question does not say.
  absl::Duration patience = absl::Seconds(300);
  // Judges what deliveries say.
  std::shared_ptr<const Classifier> classifier;
  // Settings that are allowed but probably not meant: a reload shows them.
  std::vector<std::string> warnings;
};

// For routes that only look at memory and change it: no daemon is needed. All of it outlives the holder of the context
// and the lines of every stream; so does all of ApiDaemon.
struct ApiMemory {
  Loop& loop;
  Cache& cache;
  MetricRegistry& metrics;
  // Answers from memory, without a probe.
  std::function<Verdict(const Question& question)> recall;
  ApiSettings settings = {};  // those in force
};

// For routes that need the living daemon, beside memory.
struct ApiDaemon {
  Verifier& verifier;
  Prober& prober;
  Metrics& metrics;
  Restrictions& restrictions;
  DecisionRecord& record;
  // Reads the settings file again; comes back when the settings are in force, with the names of changed settings that
  // take effect only after a restart. An error says why the old settings stay.
  std::function<boost::asio::awaitable<absl::StatusOr<std::vector<std::string>>>()> reload;
  // The finished answers of GET /v1/config and GET /v1/status.
  std::function<std::string()> config;
  std::function<std::string()> status;
};

struct ApiContext {
  ApiMemory memory;
  std::optional<ApiDaemon> daemon = std::nullopt;  // nothing: none runs
};

// Looking and changing are separate rights; the right to change includes looking.
enum class ApiRight : uint8_t { kRead, kChange };

struct ApiRequest {
  std::string method;  // "GET"
  std::string target;  // "/v1/record?address=joe%40example.com"
  std::string body;    // a JSON object with the arguments, or empty
  LineSource lines;    // instead of the body, where a route takes addresses or requests: one a line, without end
  ApiRight right = ApiRight::kRead;  // the asker's
};

struct ApiReply {
  int status = 200;  // as in HTTP
  std::string body;  // a JSON object
  LineSource lines;  // if set, these instead of the body
  // If set, its result is the reply, instead of this one. To be called once.
  std::function<boost::asio::awaitable<ApiReply>()> later;
};

// A handler takes what it may touch. One that takes the daemon is not called without one.
using MemoryHandler = ApiReply (*)(ApiMemory& memory, const ApiArguments& arguments);
using DaemonHandler = ApiReply (*)(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments);
// Answers with less where no daemon runs.
using EitherHandler = ApiReply (*)(ApiContext& context, const ApiArguments& arguments);

struct ApiRoute {
  absl::string_view method;
  absl::string_view path;
  ApiRight right;
  std::vector<absl::string_view> arguments;
  absl::string_view documentation;  // one line
  std::variant<MemoryHandler, DaemonHandler, EitherHandler> handler;
};

ApiReply JsonReply(const boost::json::object& object);
// {"error": "..."} with this status.
ApiReply ApiError(int status, absl::string_view message);

// Returns a line of the answer about an address: the verdict, or the fault in the text.
std::string AnswerLine(absl::string_view address, const Verdict& verdict);
std::string AnswerLine(absl::string_view text, const absl::Status& wrong);

// Returns all of `lines` at once; they are bounded.
LineSource OneBlock(std::string lines);
// Returns the addresses or requests that the arguments name, a line for each.
LineSource LinesOf(const ApiArguments& arguments);
// The error where the arguments name none; `name` is the argument that should.
ApiReply NoAddresses(absl::string_view name);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_ROUTE_H_
