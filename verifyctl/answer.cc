#include "verifyctl/answer.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "verifyctl/exit_code.h"
#include "verifyctl/result_text.h"

namespace verifyd {
namespace {

namespace json = boost::json;

int ExitCodeOfHttp(int status) {
  switch (status) {
    case 400:
      return kExitBadAddress;
    case 403:
      return kExitNoPermission;
    case 404:
      return kExitNotCached;
    case 503:
      return kExitUnavailable;
    default:
      return kExitProtocol;
  }
}

}  // namespace

int Answer(Asker& asker, const ApiRequest& request, Console& console,
           absl::FunctionRef<void(absl::string_view line, const json::object& object)> take) {
  std::string wrong;
  std::string refusal;
  const auto take_line = [&](absl::string_view line) {
    boost::system::error_code error;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
    const json::object* object = error ? nullptr : value.if_object();
    if (object == nullptr) {
      wrong = std::string(line.substr(0, 200));
    } else if (object->size() == 1 && object->contains("error")) {
      refusal = std::string(TextField(*object, "error"));
    } else {
      take(line, *object);
    }
  };
  const absl::StatusOr<int> status = asker.Ask(request, [&](const std::vector<absl::string_view>& lines) {
    for (const absl::string_view line : lines) take_line(line);
    console.out.flush();
  });
  if (!status.ok()) {
    console.err << "verifyctl: " << status.status().message() << "\n";
    return ExitCodeOf(status.status());
  }
  if (!wrong.empty()) {
    console.err << "verifyctl: found an answer that is no JSON object: " << Printable(wrong, 200) << "\n";
    return kExitProtocol;
  }
  if (*status == 200 && refusal.empty()) return 0;
  console.err << "verifyctl: " << (refusal.empty() ? absl::StrCat("HTTP status ", *status) : refusal) << "\n";
  return ExitCodeOfHttp(*status);
}

}  // namespace verifyd
