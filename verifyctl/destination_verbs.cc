#include "verifyctl/destination_verbs.h"

#include "absl/strings/str_cat.h"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/result_text.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_destination.h"

namespace verifyd {
namespace {

namespace json = boost::json;

ApiRequest RequestFor(absl::string_view method, absl::string_view path, const std::string& name) {
  json::object arguments;
  if (!name.empty()) arguments["target"] = name;
  ApiRequest request;
  request.method = std::string(method);
  request.target = std::string(path);
  request.body = json::serialize(arguments);
  return request;
}

int Change(const DestinationOptions& options, absl::string_view path, absl::string_view done, Asker& asker,
           Console& console) {
  return Answer(asker, RequestFor("POST", path, options.name), console,
                [&](absl::string_view line, const json::object& answer) {
                  console.out << (options.json ? absl::StrCat(line, "\n")
                                               : absl::StrCat(FromJson<ShownChange>(answer).target, ": ", done, "\n"));
                });
}

}  // namespace

int ShowDestinations(const DestinationOptions& options, Asker& asker, Console& console) {
  return Answer(asker, RequestFor("GET", "/v1/destinations", options.name), console,
                [&](absl::string_view line, const json::object& answer) {
                  if (options.json) {
                    console.out << line << "\n";
                    return;
                  }
                  const auto shown = FromJson<ShownDestinations>(answer);
                  for (const ShownDestination& destination : shown.destinations) {
                    console.out << DestinationText(destination, console.clock.Now());
                  }
                });
}

int ResetDestination(const DestinationOptions& options, Asker& asker, Console& console) {
  return Change(options, "/v1/reset", "begins anew", asker, console);
}

int TrustDestination(const DestinationOptions& options, Asker& asker, Console& console) {
  return Change(options, "/v1/trust", "believed", asker, console);
}

}  // namespace verifyd
