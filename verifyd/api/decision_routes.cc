#include "verifyd/api/decision_routes.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json.hpp"
#include "mail/address.h"
#include "verifyd/history/replay.h"
#include "verifyd/history/shown_refusal.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {
namespace {

namespace json = boost::json;

ApiReply HandleReport(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  ApiReply reply;
  reply.lines = [&record = daemon.record, since = arguments.since,
                 done = false]() mutable -> boost::asio::awaitable<std::optional<std::string>> {
    if (std::exchange(done, true)) co_return std::nullopt;
    co_return absl::StrCat(co_await record.Report(since), "\n");
  };
  return reply;
}

ApiReply HandleRefusal(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  if (!IsRefusalId(arguments.id)) return ApiError(400, "\"id\": expected the eight characters behind \"id\"");
  std::optional<std::string> refusal = daemon.record.FindRefusal(arguments.id);
  if (!refusal.has_value()) return ApiError(404, absl::StrCat("no refusal ", arguments.id, " is remembered"));
  boost::system::error_code never;
  const json::value entry = json::parse(*refusal, never);
  ShownRefusal shown = FromJson<ShownRefusal>(entry.get_object());
  const absl::StatusOr<Address> address = Address::FromUnquoted(shown.subject);
  const KeptDialogue* const dialogue = address.ok() ? daemon.verifier.dialogues().Find(address->Key()) : nullptr;
  if (dialogue != nullptr) {
    shown.asked = dialogue->ended;
    shown.transcript = Shown(dialogue->lines);
  }
  return JsonReply(AsJson(shown));
}

ApiReply HandleReplay(ApiMemory& memory, ApiDaemon& daemon, const ApiArguments& arguments) {
  if (!arguments.names_addresses()) return NoAddresses("requests");
  ApiReply reply;
  reply.lines = Replay::Report(
      {.loop = memory.loop, .restrictions = daemon.restrictions, .verifier = daemon.verifier, .cache = memory.cache},
      arguments.probe, memory.settings.patience, LinesOf(arguments));
  return reply;
}

}  // namespace

std::vector<ApiRoute> DecisionRoutes() {
  return {
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
  };
}

}  // namespace verifyd
