#include "verifyctl/address_verbs.h"

#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/result_text.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Bytes of addresses in one call; the daemon takes 1 MiB of JSON.
constexpr size_t kCallBytes = size_t{256} * 1024;

std::vector<std::string> Collected(const AddressOptions& options, Console& console) {
  std::vector<std::string> addresses;
  for (const std::string& given : options.addresses) {
    if (given != "-") {
      addresses.push_back(given);
      continue;
    }
    for (std::string line; std::getline(console.in, line);) {
      absl::StripAsciiWhitespace(&line);
      if (!line.empty() && line[0] != '#') addresses.push_back(std::move(line));
    }
  }
  return addresses;
}

std::string PercentEncoded(absl::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_') {
      encoded.push_back(c);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

// Asks about addresses in calls of bounded size, shows each result as it comes.
int AskAbout(const std::vector<std::string>& addresses, absl::string_view path, json::object arguments, bool as_json,
             Asker& asker, Console& console) {
  int exit_code = kExitDeliverable;
  for (size_t next = 0; next < addresses.size();) {
    json::array part;
    for (size_t bytes = 0; next < addresses.size() && (part.empty() || bytes + addresses[next].size() < kCallBytes);
         ++next) {
      // Quotes, the comma, and room for what JSON escapes.
      bytes += 2 * addresses[next].size() + 3;
      part.emplace_back(addresses[next]);
    }
    arguments["addresses"] = std::move(part);
    ApiRequest request;
    request.method = "POST";
    request.target = std::string(path);
    request.body = json::serialize(arguments);
    const int code = Answer(asker, request, console, [&](absl::string_view line, const json::object& result) {
      exit_code = Worse(exit_code, ExitCodeOf(result));
      console.out << (as_json ? absl::StrCat(line, "\n") : ResultText(result)) << std::flush;
    });
    if (code != 0) return code;
  }
  return exit_code;
}

int NoAddress(Console& console) {
  console.err << "verifyctl: no address given\n";
  return kExitUsage;
}

// One call an address. An answer that there is nothing is a result, too.
int AskAboutEach(const AddressOptions& options, absl::string_view method, Asker& asker, Console& console,
                 std::string (*words)(const json::object&, absl::Time now)) {
  const std::vector<std::string> addresses = Collected(options, console);
  if (addresses.empty()) return NoAddress(console);
  int exit_code = 0;
  for (const std::string& address : addresses) {
    ApiRequest request;
    request.method = std::string(method);
    request.target = absl::StrCat("/v1/record?address=", PercentEncoded(address));
    const int code = Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
      console.out << (options.json ? absl::StrCat(line, "\n") : words(answer, console.clock.Now()));
    });
    if (code != 0 && code != kExitNotCached && code != kExitBadAddress) return code;
    exit_code = Worse(exit_code, code);
  }
  return exit_code;
}

std::string DeletedText(const json::object& answer, absl::Time /*now*/) {
  std::string out = absl::StrCat(TextField(answer, "address"), ": deleted");
  if (const json::array* deleted = ArrayField(answer, "deleted")) {
    for (const json::value& what : *deleted) {
      absl::StrAppend(&out, &what == deleted->data() ? " " : ", ",
                      what == "domain" ? "what was held of its domain" : "its record");
    }
  }
  return absl::StrCat(out, "\n");
}

}  // namespace

int Verify(const AddressOptions& options, Asker& asker, Console& console) {
  const std::vector<std::string> addresses = Collected(options, console);
  if (addresses.empty()) return NoAddress(console);
  json::object arguments;
  arguments["fresh"] = options.fresh || options.trace;
  arguments["trace"] = options.trace;
  if (options.sender) arguments["role"] = "sender";
  if (!options.patience.empty()) arguments["patience"] = options.patience;
  return AskAbout(addresses, "/v1/verify", std::move(arguments), options.json, asker, console);
}

int Query(const AddressOptions& options, Asker& asker, Console& console) {
  const std::vector<std::string> addresses = Collected(options, console);
  if (addresses.empty()) return NoAddress(console);
  return AskAbout(addresses, "/v1/query", json::object(), options.json, asker, console);
}

int Show(const AddressOptions& options, Asker& asker, Console& console) {
  return AskAboutEach(options, "GET", asker, console, HeldText);
}

int History(const AddressOptions& options, Asker& asker, Console& console) {
  return AskAboutEach(options, "GET", asker, console, HistoryText);
}

int Delete(const AddressOptions& options, Asker& asker, Console& console) {
  return AskAboutEach(options, "DELETE", asker, console, DeletedText);
}

}  // namespace verifyd
