#include "verifyctl/report_verbs.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <istream>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/mail_log.h"
#include "verifyctl/report_text.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Bytes of requests that are sent together.
constexpr size_t kSentTogether = size_t{16} * 1024;
// syslog(3) and Postfix write shorter ones; of a longer one the rest is passed over.
constexpr size_t kLongestLine = size_t{16} * 1024;

// The requests in a mail log, as they are found.
class LoggedRequests {
 public:
  explicit LoggedRequests(std::istream& in) : in_(in), line_(kLongestLine) {}

  boost::asio::awaitable<std::optional<std::string>> Next() {
    std::string requests;
    while (requests.size() < kSentTogether && ReadLine()) {
      if (const std::optional<std::string> request = log_.Take(line_.data()))
        absl::StrAppend(&requests, *request, "\n");
    }
    if (requests.empty()) co_return std::nullopt;
    co_return requests;
  }

 private:
  bool ReadLine() {
    in_.getline(line_.data(), static_cast<std::streamsize>(line_.size()));
    if (in_.fail() && !in_.eof() && !in_.bad() && in_.gcount() > 0) {
      in_.clear();
      in_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    return !in_.fail();
  }

  std::istream& in_;
  MailLog log_;
  std::vector<char> line_;
};

int Ask(const ApiRequest& request, bool as_json, Asker& asker, Console& console,
        std::string (*words)(const json::object&)) {
  return Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
    console.out << (as_json ? absl::StrCat(line, "\n") : words(answer));
  });
}

}  // namespace

int Report(const ReportOptions& options, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/report";
  request.body = json::serialize(json::object{{"since", options.since}});
  return Ask(request, options.json, asker, console, ReportText);
}

int Top(const ReportOptions& options, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/report";
  request.body = json::serialize(json::object{{"since", options.since}});
  return Answer(asker, request, console, [&](absl::string_view /*line*/, const json::object& report) {
    const json::object top = TopOf(report, options.number);
    console.out << (options.json ? absl::StrCat(json::serialize(top), "\n") : TopText(top));
  });
}

int ReplayLog(const ReportOptions& options, Asker& asker, Console& console) {
  // The thread that sends may outlive the call.
  const auto file = std::make_shared<std::ifstream>();
  if (options.mail_log != "-") {
    file->open(options.mail_log);
    if (!*file) {
      console.err << "verifyctl: " << options.mail_log << ": " << std::strerror(errno) << "\n";
      return kExitNoInput;
    }
  }
  const auto requests = std::make_shared<LoggedRequests>(options.mail_log == "-" ? console.in : *file);
  ApiRequest request;
  request.method = "POST";
  request.target = options.probe ? "/v1/replay?probe=true" : "/v1/replay";
  request.lines = [file, requests] { return requests->Next(); };
  return Ask(request, options.json, asker, console, ReportText);
}

int ShowRefusal(absl::string_view id, bool json, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = absl::StrCat("/v1/refusal?id=", id);
  return Ask(request, json, asker, console, RefusalText);
}

}  // namespace verifyd
