#include "verifyd/api/route.h"

#include <array>
#include <cstddef>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "mail/address.h"
#include "verifyd/json/described.h"
#include "verifyd/json/json.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Longer text is no address, and is shown cut.
constexpr size_t kShownAddress = Address::kMaxAddress;

}  // namespace

ApiReply JsonReply(const json::object& object) {
  ApiReply reply;
  reply.body = json::serialize(object);
  return reply;
}

ApiReply ApiError(int status, absl::string_view message) {
  json::object object;
  object["error"] = JsonText(message);
  ApiReply reply = JsonReply(object);
  reply.status = status;
  return reply;
}

std::string AnswerLine(absl::string_view address, const Verdict& verdict) {
  // Most answers fit, and need no memory of their own until they are a line.
  std::array<unsigned char, 4096> bytes;
  json::monotonic_resource storage(bytes.data(), bytes.size());
  return json::serialize(AsJson(Shown(address, verdict), &storage)) + "\n";
}

std::string AnswerLine(absl::string_view text, const absl::Status& wrong) {
  const std::string address = Printable(text, kShownAddress);
  return JsonLine(ShownVerdict{.address = address, .error = wrong.message()});
}

ApiReply NoAddresses(absl::string_view name) {
  return ApiError(400, absl::StrCat("\"", name, "\": found none, expected at least one"));
}

LineSource OneBlock(std::string lines) {
  return [lines =
              std::make_shared<std::string>(std::move(lines))]() -> boost::asio::awaitable<std::optional<std::string>> {
    if (lines->empty()) co_return std::nullopt;
    co_return std::exchange(*lines, std::string());
  };
}

LineSource LinesOf(const ApiArguments& arguments) {
  if (arguments.lines) return arguments.lines;
  std::string lines;
  // A text with a line end in it is no address; it must not become two.
  for (const std::string& address : arguments.addresses) {
    absl::StrAppend(&lines, absl::StrReplaceAll(address, {{"\n", "\\n"}}), "\n");
  }
  return OneBlock(std::move(lines));
}

}  // namespace verifyd
