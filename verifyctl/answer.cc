#include "verifyctl/answer.h"

#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "verifyctl/exit_code.h"
#include "verifyctl/result_text.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Puts a refusal in people's words: the daemon names its arguments as programs do ("target": ...).
absl::string_view ForPeople(absl::string_view refusal) {
  if (absl::StrContains(refusal, "/v1/")) {
    return "the daemon does not know what it was asked: it is of another version than verifyctl";
  }
  const size_t end = refusal.find("\": ");
  if (!absl::StartsWith(refusal, "\"") || end == absl::string_view::npos) return refusal;
  const absl::string_view name = refusal.substr(1, end - 1);
  const bool is_name =
      absl::c_all_of(name, [](char c) { return absl::ascii_islower(static_cast<unsigned char>(c)) || c == '_'; });
  return is_name ? refusal.substr(end + 3) : refusal;
}

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
  if (refusal.empty()) refusal = absl::StrCat("HTTP status ", *status);
  console.err << "verifyctl: " << ForPeople(refusal) << "\n";
  return ExitCodeOfHttp(*status);
}

}  // namespace verifyd
