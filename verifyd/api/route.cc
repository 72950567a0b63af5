#include "verifyd/api/route.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "verifyd/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

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

LineSource OneBlock(std::string lines) {
  return [lines =
              std::make_shared<std::string>(std::move(lines))]() -> boost::asio::awaitable<std::optional<std::string>> {
    if (lines->empty()) co_return std::nullopt;
    co_return std::exchange(*lines, std::string());
  };
}

LineSource LinesOf(const std::vector<std::string>& addresses) {
  std::string lines;
  // What has a line end in it is no address; it must not become two.
  for (const std::string& address : addresses) {
    absl::StrAppend(&lines, absl::StrReplaceAll(address, {{"\n", "\\n"}}), "\n");
  }
  return OneBlock(std::move(lines));
}

}  // namespace verifyd
