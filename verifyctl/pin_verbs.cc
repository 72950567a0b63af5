#include "verifyctl/pin_verbs.h"

#include "absl/strings/str_cat.h"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/result_text.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_record.h"

namespace verifyd {
namespace {

namespace json = boost::json;

int AskPin(absl::string_view method, absl::string_view path, const PinOptions& options, Asker& asker,
           Console& console) {
  json::object arguments;
  arguments["target"] = options.target;
  if (!options.status.empty()) arguments["status"] = options.status;
  if (!options.for_time.empty()) arguments["for"] = options.for_time;
  if (!options.why.empty()) arguments["why"] = options.why;
  if (options.tell) arguments["tell"] = true;
  ApiRequest request;
  request.method = std::string(method);
  request.target = std::string(path);
  request.body = json::serialize(arguments);
  return Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
    console.out << (options.json ? absl::StrCat(line, "\n") : PinText(FromJson<ShownPin>(answer)));
  });
}

}  // namespace

int Set(const PinOptions& options, Asker& asker, Console& console) {
  return AskPin("POST", "/v1/pins", options, asker, console);
}

int Unset(const PinOptions& options, Asker& asker, Console& console) {
  return AskPin("DELETE", "/v1/pins", options, asker, console);
}

int PutOnHold(const PinOptions& options, Asker& asker, Console& console) {
  return AskPin("POST", "/v1/hold", options, asker, console);
}

int Release(const PinOptions& options, Asker& asker, Console& console) {
  return AskPin("DELETE", "/v1/hold", options, asker, console);
}

int Pins(bool json, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/pins";
  return Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
    if (json) {
      console.out << line << "\n";
      return;
    }
    const auto shown = FromJson<ShownPins>(answer);
    for (const ShownPin& pin : shown.pins) console.out << PinText(pin);
  });
}

}  // namespace verifyd
