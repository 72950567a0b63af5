#include "verifyd/api/decision_routes.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json.hpp"
#include "mail/address.h"
#include "verifyd/json.h"
#include "verifyd/record/replay.h"

namespace verifyd {
namespace {

namespace json = boost::json;

ApiReply NobodyDecides() { return ApiError(503, "no mail is decided on here: verifyd is not running"); }

}  // namespace

ApiReply HandleReport(ApiContext& context, const ApiArguments& arguments) {
  if (context.record == nullptr) return NobodyDecides();
  ApiReply reply;
  reply.lines = [&record = *context.record, since = arguments.since,
                 done = false]() mutable -> boost::asio::awaitable<std::optional<std::string>> {
    if (std::exchange(done, true)) co_return std::nullopt;
    co_return absl::StrCat(co_await record.Report(since), "\n");
  };
  return reply;
}

ApiReply HandleRefusal(ApiContext& context, const ApiArguments& arguments) {
  if (context.record == nullptr) return NobodyDecides();
  if (!IsRefusalId(arguments.id)) return ApiError(400, "\"id\": expected the eight characters behind \"id\"");
  std::optional<std::string> refusal = context.record->FindRefusal(arguments.id);
  if (!refusal.has_value()) return ApiError(404, absl::StrCat("no refusal ", arguments.id, " is remembered"));
  boost::system::error_code never;
  json::object object = json::parse(*refusal, never).as_object();
  if (const json::value* const subject = object.if_contains("subject"); subject != nullptr) {
    const absl::StatusOr<Address> address =
        Address::FromUnquoted({subject->as_string().data(), subject->as_string().size()});
    const Dialogue* const dialogue = address.ok() ? context.verifier.dialogues().Find(address->Key()) : nullptr;
    if (dialogue != nullptr) {
      object["asked"] = ToJson(dialogue->ended);
      object["transcript"] = ToJson(dialogue->lines);
    }
  }
  ApiReply reply;
  reply.body = json::serialize(object);
  return reply;
}

ApiReply HandleReplay(ApiContext& context, const ApiArguments& arguments) {
  if (context.restrictions == nullptr) return NobodyDecides();
  if (arguments.addresses.empty() && !arguments.lines) {
    return ApiError(400, "\"requests\": found none, expected at least one");
  }
  ApiReply reply;
  reply.lines = Replay::Report({.loop = context.loop,
                                .restrictions = *context.restrictions,
                                .verifier = context.verifier,
                                .cache = context.cache},
                               arguments.probe, context.settings.patience,
                               arguments.lines ? arguments.lines : LinesOf(arguments.addresses));
  return reply;
}

}  // namespace verifyd
