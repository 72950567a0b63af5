#include "verifyctl/daemon_verbs.h"

#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/result_text.h"

namespace verifyd {

int Stats(bool json, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/stats";
  return Answer(asker, request, console, [&](absl::string_view line, const boost::json::object& stats) {
    if (json) {
      console.out << line << "\n";
    } else {
      console.out << StatsText(stats);
    }
  });
}

int Reload(bool json, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "POST";
  request.target = "/v1/reload";
  const int code = Answer(asker, request, console, [&](absl::string_view line, const boost::json::object& answer) {
    if (json) {
      console.out << line << "\n";
      return;
    }
    console.out << "reloaded\n";
    const boost::json::array* warnings = ArrayField(answer, "warnings");
    if (warnings == nullptr) return;
    for (const boost::json::value& warning : *warnings) {
      if (warning.is_string()) console.err << "verifyctl: warning: " << warning.get_string().c_str() << "\n";
    }
  });
  return code == kExitBadAddress || code == kExitNotCached ? kExitConfiguration : code;
}

}  // namespace verifyd
