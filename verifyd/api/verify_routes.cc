#include "verifyd/api/verify_routes.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "mail/address.h"
#include "mail/question.h"
#include "verifyd/api/question_list.h"

namespace verifyd {
namespace {

// Looks for other spellings between which others have their turn.
constexpr size_t kRespelledInATurn = 4;
// Of longer lists nobody asks for other spellings: a program matches the answers with what it has asked.
constexpr size_t kMostRespelled = 100;

// Of an address that has no record under its own spelling, those that have one.
LineSource Respelled(Loop& loop, Cache& cache, LineSource lines) {
  return [&loop, &cache, lines = std::move(lines)]() -> boost::asio::awaitable<std::optional<std::string>> {
    const std::optional<std::string> next = co_await lines();
    if (!next.has_value()) co_return std::nullopt;
    std::string respelled;
    size_t in_this_turn = 0;
    for (const absl::string_view line : absl::StrSplit(*next, '\n', absl::SkipEmpty())) {
      const absl::StatusOr<Address> address = Address::Parse(absl::StripAsciiWhitespace(line));
      if (!address.ok() || cache.FindRecord(address->Key()).has_value()) {
        absl::StrAppend(&respelled, line, "\n");
        continue;
      }
      const Cache::Spellings spellings = cache.SpellingsOf(address->Key());
      for (const std::string& key : spellings.keys) {
        const absl::StatusOr<Address> spelled = Address::FromUnquoted(key);
        if (spelled.ok()) absl::StrAppend(&respelled, spelled->ToSmtp(), "\n");
      }
      if (spellings.keys.empty()) absl::StrAppend(&respelled, line, "\n");
      if (++in_this_turn % kRespelledInATurn == 0) co_await loop.Yield();
    }
    co_return respelled;
  };
}

ApiReply AskAll(ApiContext& context, const ApiArguments& arguments, Question question) {
  if (arguments.addresses.empty() && !arguments.lines) {
    return ApiError(400, "\"addresses\": found none, expected at least one");
  }
  question.role = arguments.role;
  question.urgency = arguments.addresses.size() == 1 ? Urgency::kWaiting : Urgency::kList;
  ApiReply reply;
  LineSource addresses = arguments.lines ? arguments.lines : LinesOf(arguments.addresses);
  if (question.memory_only && !arguments.lines && arguments.addresses.size() <= kMostRespelled) {
    addresses = Respelled(context.loop, context.cache, std::move(addresses));
  }
  reply.lines = QuestionList::Answers(context.loop, context.verifier, std::move(question), std::move(addresses));
  return reply;
}

}  // namespace

ApiReply HandleVerify(ApiContext& context, const ApiArguments& arguments) {
  Question question;
  question.fresh = arguments.fresh;
  question.wants_catch_all = true;  // the status differs
  question.transcript = arguments.trace;
  question.patience = arguments.patience.value_or(context.settings.patience);
  return AskAll(context, arguments, std::move(question));
}

ApiReply HandleQuery(ApiContext& context, const ApiArguments& arguments) {
  Question question;
  question.memory_only = true;
  return AskAll(context, arguments, std::move(question));
}

}  // namespace verifyd
