#include "opensmtpd/filter.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"
#include "boost/asio/use_awaitable.hpp"

namespace verifyd {
namespace {

constexpr auto kNoThrow = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr size_t kMaxLine = 4096;

}  // namespace

struct Filter::Input {
  Input(boost::asio::io_context& context, int fd) : stream(context, fd) {}
  boost::asio::posix::stream_descriptor stream;
};

Filter::Filter(Loop& loop, LinePlace place, int input, int output)
    : loop_(loop),
      client_(loop, std::move(place)),
      input_(std::make_unique<Input>(loop.context(), input)),
      output_(output) {}

Filter::~Filter() = default;

boost::asio::awaitable<void> Filter::Run() {
  std::array<char, 16384> buffer;
  for (;;) {
    const auto [error, count] = co_await input_->stream.async_read_some(boost::asio::buffer(buffer), kNoThrow);
    if (error) co_return;
    TakeIn(absl::string_view(buffer.data(), count));
  }
}

void Filter::TakeIn(absl::string_view bytes) {
  while (!bytes.empty()) {
    const size_t newline = bytes.find('\n');
    absl::StrAppend(&line_, bytes.substr(0, std::min(newline, kMaxLine - line_.size())));
    if (newline == absl::string_view::npos) return;
    TakeLine(line_);
    line_.clear();
    bytes.remove_prefix(newline + 1);
  }
}

void Filter::TakeLine(absl::string_view line) {
  if (line == kConfigReady) Write(kRegistration);
  std::optional<FilterQuestion> question = ParseFilterQuestion(line);
  if (!question.has_value()) return;
  if (question->recipient.empty() || waiting_ >= kMaxWaiting) {
    Write(FilterResult(*question, ""));
    return;
  }
  ++waiting_;
  loop_.Spawn(Answer(*std::move(question)));
}

boost::asio::awaitable<void> Filter::Answer(FilterQuestion question) {
  const absl::StatusOr<std::string> answer = co_await client_.Ask(question.recipient);
  --waiting_;
  Note(answer.status());
  Write(FilterResult(question, answer.ok() ? *answer : ""));
}

void Filter::Note(const absl::Status& status) {
  const bool bad = !status.ok();
  if (bad == complained_) return;
  complained_ = bad;
  if (bad) {
    LogWarning(absl::StrCat("verifyd can not be asked: ", Printable(status.message(), 200),
                            ": recipients are accepted unasked"));
  } else {
    LogInfo("verifyd answers again");
  }
}

// Waits where the socket is full: OpenSMTPD always reads, even while it waits for something. The socket does not block,
// because reading from it must not.
void Filter::Write(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(output_, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{.fd = output_, .events = POLLOUT, .revents = 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return;  // OpenSMTPD is gone; the next read will tell
    }
  }
}

}  // namespace verifyd
