#include "verifyctl/daemon_asker.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http.hpp"

namespace verifyd {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Local = asio::local::stream_protocol;

// The longest line that a daemon has reason to send is its settings: some tens of KiB.
constexpr size_t kMaxLine = size_t{16} * 1024 * 1024;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

absl::Status ConnectError(const std::string& path, const boost::system::error_code& error) {
  if (error == boost::system::errc::permission_denied || error == boost::system::errc::operation_not_permitted) {
    return absl::PermissionDeniedError(absl::StrCat(path, ": ", error.message()));
  }
  return absl::UnavailableError(absl::StrCat("the daemon is not running: ", path, ": ", error.message()));
}

absl::Status Broken(const std::string& path, const boost::system::error_code& error) {
  return absl::DataLossError(absl::StrCat(path, ": the answer broke off: ", error.message()));
}

absl::Status NoAnswer(const std::string& path, absl::Duration patience) {
  return absl::UnavailableError(
      absl::StrCat("the daemon does not answer: ", path, ": nothing within ", absl::FormatDuration(patience)));
}

// Cuts incoming bytes into lines.
class Lines {
 public:
  explicit Lines(LineSink sink) : sink_(sink) {}
  bool Take(absl::string_view bytes) {
    // The bytes from before have no line end.
    size_t end = bytes.find('\n');
    if (end != absl::string_view::npos) end += rest_.size();
    absl::StrAppend(&rest_, bytes);
    if (end == absl::string_view::npos) return rest_.size() <= kMaxLine;
    std::vector<absl::string_view> lines;
    absl::string_view left = rest_;
    for (; end != absl::string_view::npos; end = left.find('\n')) {
      lines.push_back(left.substr(0, end));
      left.remove_prefix(end + 1);
    }
    sink_(lines);
    rest_ = std::string(left);
    return rest_.size() <= kMaxLine;
  }

 private:
  LineSink sink_;
  std::string rest_;
};

// One request and its answer. The thread that asks runs `context`, and it alone touches the socket. Lines may be long
// in coming, and their supplier may block: another thread runs `reading`, which waits for them.
struct Call {
  Call(std::string path, const ApiRequest& request) : path(std::move(path)), lines(request.lines) {
    message.version(11);
    message.method_string(request.method);
    message.target(request.target);
    message.set(http::field::host, "verifyd");
    message.keep_alive(false);
    if (lines) {
      message.set(http::field::content_type, "text/plain");
      message.chunked(true);
    } else {
      message.body() = request.body;
      message.prepare_payload();
    }
  }

  absl::Status Connect(absl::Duration patience);
  asio::awaitable<void> Send();
  asio::awaitable<absl::StatusOr<int>> Receive(LineSink sink);

  const std::string path;
  const LineSource lines;
  http::request<http::string_body> message;
  asio::io_context context;
  Local::socket socket{context};
  bool awaits_lines = false;
  // Destroyed before `context`: this lets go of the coroutine that awaits lines.
  asio::io_context reading;
};

// Uses connect(2) itself: it waits, and gives up, where a daemon that accepts nothing has its queue full.
absl::Status Call::Connect(absl::Duration patience) {
  boost::system::error_code error;
  socket.open(Local(), error);
  if (error) return ConnectError(path, error);
  if (patience != absl::InfiniteDuration()) {
    const timeval limit = absl::ToTimeval(patience);
    ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  }
  const Local::endpoint endpoint(path);
  if (::connect(socket.native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0) {
    return absl::OkStatus();
  }
  if (errno == EAGAIN) return NoAnswer(path, patience);
  return ConnectError(path, boost::system::error_code(errno, boost::system::system_category()));
}

// An error shows in the answer.
asio::awaitable<void> Call::Send() {
  http::request_serializer<http::string_body> serializer(message);
  if (!lines) {
    co_await http::async_write(socket, serializer, kAwait);
    co_return;
  }
  auto [failed, bytes] = co_await http::async_write_header(socket, serializer, kAwait);
  while (!failed) {
    awaits_lines = true;
    const std::optional<std::string> next = co_await asio::co_spawn(reading, lines(), asio::use_awaitable);
    awaits_lines = false;
    if (!next.has_value()) break;
    const auto chunk = http::make_chunk(asio::buffer(*next));
    std::tie(failed, bytes) = co_await asio::async_write(socket, chunk, kAwait);
  }
  const auto end = http::make_chunk_last();
  if (!failed) co_await asio::async_write(socket, end, kAwait);
}

asio::awaitable<absl::StatusOr<int>> Call::Receive(LineSink sink) {
  boost::beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  auto [error, count] = co_await http::async_read_header(socket, buffer, parser, kAwait);
  if (error) co_return Broken(path, error);
  Lines answers(sink);
  std::array<char, 16384> bytes;
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = bytes.data();
    body.size = bytes.size();
    std::tie(error, count) = co_await http::async_read_some(socket, buffer, parser, kAwait);
    if (error && error != http::error::need_buffer) co_return Broken(path, error);
    if (!answers.Take(absl::string_view(bytes.data(), bytes.size() - body.size))) {
      co_return absl::DataLossError(absl::StrCat(path, ": found a line of more than ", kMaxLine, " bytes"));
    }
  }
  co_return parser.get().result_int();
}

// Ends with the call, unless it waits for a line that may never come; then nothing waits for it.
class ReadingThread {
 public:
  explicit ReadingThread(std::shared_ptr<Call> call) : call_(std::move(call)) {
    if (!call_->lines) return;
    thread_ = std::thread([call = call_] {
      const auto guard = asio::make_work_guard(call->reading);
      call->reading.run();
    });
  }
  ~ReadingThread() {
    if (!thread_.joinable()) return;
    call_->reading.stop();
    if (call_->awaits_lines) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }
  ReadingThread(const ReadingThread&) = delete;
  ReadingThread& operator=(const ReadingThread&) = delete;

 private:
  const std::shared_ptr<Call> call_;
  std::thread thread_;
};

void Rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace

absl::StatusOr<int> DaemonAsker::Ask(const ApiRequest& request, LineSink sink) {
  if (socket_path_.empty() || socket_path_.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", socket_path_, "\" can not be the path of a socket"));
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto call = std::make_shared<Call>(socket_path_, request);
  RETURN_IF_ERROR(call->Connect(patience()));
  const ReadingThread reading(call);
  absl::StatusOr<int> answer = NoAnswer(socket_path_, patience());
  asio::co_spawn(call->context, call->Send(), Rethrow);
  asio::co_spawn(call->context, call->Receive(sink), [&](const std::exception_ptr& error, absl::StatusOr<int> came) {
    Rethrow(error);
    answer = std::move(came);
    call->context.stop();
  });
  if (patience() == absl::InfiniteDuration()) {
    call->context.run();
  } else {
    call->context.run_until(begun + absl::ToChronoNanoseconds(patience()));
  }
  // The daemon is to know that the call is over, also where a line is still awaited.
  boost::system::error_code ignored;
  call->socket.close(ignored);
  return answer;
}

}  // namespace verifyd
