#include "verifyctl/report_verbs.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/input_text.h"
#include "verifyctl/log_file.h"
#include "verifyctl/log_line.h"
#include "verifyctl/mail_log.h"
#include "verifyctl/report_text.h"
#include "verifyd/json/described.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Bytes of requests that are sent together.
constexpr size_t kSentTogether = size_t{16} * 1024;

// The requests in a mail log, as they are found.
class LoggedRequests {
 public:
  explicit LoggedRequests(std::unique_ptr<LogFile> file) : file_(std::move(file)) {}

  boost::asio::awaitable<std::optional<std::string>> Next() {
    std::string requests;
    while (!ended_ && requests.size() < kSentTogether) {
      const std::optional<absl::string_view> line = file_->Next();
      ended_ = !line.has_value();
      if (ended_ && !file_->status().ok()) failed_ = true;
      Take(ended_ ? file_->unfinished() : *line, requests);
    }
    if (requests.empty()) co_return std::nullopt;
    co_return requests;
  }

  // True where there were lines, but none that Postfix has written.
  bool foreign() const { return lines_ > 0 && !postfix_; }
  int64_t lines() const { return lines_; }
  // The log's status. To be asked behind the last line.
  absl::Status status() const { return failed_ ? file_->status() : absl::OkStatus(); }

 private:
  void Take(absl::string_view line, std::string& requests) {
    if (line.empty()) return;
    ++lines_;
    if (!postfix_ && IsPostfixLine(line)) postfix_ = true;
    if (const std::optional<std::string> request = log_.Take(line)) absl::StrAppend(&requests, *request, "\n");
  }

  const std::unique_ptr<LogFile> file_;
  MailLog log_;
  bool ended_ = false;
  // Written by the thread that reads, and looked at behind the last line.
  std::atomic<int64_t> lines_{0};
  std::atomic<bool> postfix_{false};
  std::atomic<bool> failed_{false};
};

}  // namespace

int Report(const ReportOptions& options, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/report";
  request.body = json::serialize(json::object{{"since", options.since}});
  return Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
    console.out << (options.json ? absl::StrCat(line, "\n") : ReportText(FromJson<ShownReport>(answer)));
  });
}

int Top(const ReportOptions& options, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/report";
  request.body = json::serialize(json::object{{"since", options.since}});
  return Answer(asker, request, console, [&](absl::string_view /*line*/, const json::object& report) {
    const ShownTop top = TopOf(FromJson<ShownReport>(report), options.number);
    console.out << (options.json ? JsonLine(top) : TopText(top));
  });
}

int ReplayLog(const ReportOptions& options, Asker& asker, Console& console) {
  absl::StatusOr<std::unique_ptr<LogFile>> file = LogFile::Open(options.mail_log, console.in, "replay");
  if (!file.ok()) {
    console.err << "verifyctl: " << file.status().message() << "\n";
    return ExitCodeOfInput(file.status());
  }
  // Shared, because the thread that reads may outlive the call.
  const auto requests = std::make_shared<LoggedRequests>(*std::move(file));
  ApiRequest request;
  request.method = "POST";
  request.target = options.probe ? "/v1/replay?probe=true" : "/v1/replay";
  request.lines = [requests] { return requests->Next(); };
  std::string report;
  const int code = Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
    report = options.json ? absl::StrCat(line, "\n") : ReportText(FromJson<ShownReport>(answer));
  });
  if (const absl::Status read = requests->status(); code == 0 && !read.ok()) {
    console.err << "verifyctl: " << read.message() << "\n";
    return ExitCodeOfInput(read);
  }
  if (code == 0 && requests->lines() == 0) SayEmpty(options.mail_log, console);
  if (code == 0 && requests->foreign()) return NoMailLog(options.mail_log, requests->lines(), console);
  console.out << report;
  return code;
}

int ShowRefusal(absl::string_view id, bool as_json, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = absl::StrCat("/v1/refusal?id=", id);
  return Answer(asker, request, console, [&](absl::string_view line, const json::object& answer) {
    console.out << (as_json ? absl::StrCat(line, "\n") : RefusalText(FromJson<ShownRefusal>(answer)));
  });
}

}  // namespace verifyd
