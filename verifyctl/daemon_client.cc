#include "verifyctl/daemon_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/write.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http.hpp"

namespace verifyd {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Local = asio::local::stream_protocol;

// The longest line a daemon has reason to send is that of its settings: some tens of KiB.
constexpr size_t kMaxLine = size_t{16} * 1024 * 1024;

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

// When an answer has to be there.
class Deadline {
 public:
  explicit Deadline(absl::Duration patience)
      : finite_(patience != absl::InfiniteDuration()),
        end_(finite_ ? Steady::now() + absl::ToChronoNanoseconds(patience) : Steady::time_point::max()) {}
  // False where nothing comes in time.
  bool AwaitBytes(int socket) const {
    if (!finite_) return true;
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Steady::now()).count();
      struct pollfd wanted = {.fd = socket, .events = POLLIN, .revents = 0};
      const int ready = ::poll(&wanted, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000)));
      if (ready > 0) return true;
      if (left <= 0 || (ready < 0 && errno != EINTR)) return false;
    }
  }

 private:
  using Steady = std::chrono::steady_clock;
  const bool finite_;
  const Steady::time_point end_;
};

// Cuts what comes into lines.
class Lines {
 public:
  explicit Lines(LineSink sink) : sink_(sink) {}
  bool Take(absl::string_view bytes) {
    // What was there before has no line end.
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

using Message = http::request<http::string_body>;

// A connection, and the request that goes out on it.
struct Call {
  Call(const std::string& path, const ApiRequest& request, absl::Duration patience) : lines(request.lines) {
    Connect(path, patience);
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

  // By connect(2) itself: it is what waits, and gives up, where a daemon that accepts nobody has its queue full.
  void Connect(const std::string& path, absl::Duration patience) {
    socket.open(Local(), error);
    if (error) return;
    if (patience != absl::InfiniteDuration()) {
      const timeval limit = absl::ToTimeval(patience);
      ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    }
    const Local::endpoint endpoint(path);
    if (::connect(socket.native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
      error.assign(errno, boost::system::system_category());
    }
  }

  // Sends the lines as they come; for a thread of its own. What goes wrong shows in the answer.
  asio::awaitable<void> SendLines() {
    boost::system::error_code failed;
    for (;;) {
      const std::optional<std::string> next = co_await lines();
      if (next.has_value()) {
        asio::write(socket, http::make_chunk(asio::buffer(*next)), failed);
      } else {
        asio::write(socket, http::make_chunk_last(), failed);
      }
      if (failed || !next.has_value()) break;
    }
    sent = true;
  }

  asio::io_context context;
  Local::socket socket{context};
  boost::system::error_code error;
  Message message;
  const LineSource lines;
  std::atomic<bool> sent{false};
};

// Ends with the call, unless it waits for a line that may never come; then nobody waits for it.
class LineSender {
 public:
  explicit LineSender(std::shared_ptr<Call> call) : call_(std::move(call)) {
    if (!call_->lines) return;
    thread_ = std::thread([call = call_] {
      asio::io_context own;
      asio::co_spawn(own, call->SendLines(), asio::detached);
      own.run();
    });
  }
  ~LineSender() {
    if (!thread_.joinable()) return;
    if (call_->sent) {
      thread_.join();
    } else {
      thread_.detach();
    }
  }
  LineSender(const LineSender&) = delete;
  LineSender& operator=(const LineSender&) = delete;

 private:
  const std::shared_ptr<Call> call_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<int> AskDaemon(const std::string& socket_path, const ApiRequest& request, LineSink sink,
                              absl::Duration patience) {
  if (socket_path.empty() || socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", socket_path, "\" can not be the path of a socket"));
  }
  const Deadline deadline(patience);
  const auto call = std::make_shared<Call>(socket_path, request, patience);
  if (call->error == boost::system::errc::resource_unavailable_try_again) return NoAnswer(socket_path, patience);
  if (call->error) return ConnectError(socket_path, call->error);
  Local::socket& socket = call->socket;
  boost::system::error_code error;
  http::request_serializer<http::string_body> serializer(call->message);
  if (call->lines) {
    http::write_header(socket, serializer, error);
  } else {
    http::write(socket, serializer, error);
  }
  if (error) return Broken(socket_path, error);
  const LineSender sender(call);

  boost::beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(boost::none);
  while (!parser.is_header_done()) {
    if (!deadline.AwaitBytes(socket.native_handle())) return NoAnswer(socket_path, patience);
    http::read_some(socket, buffer, parser, error);
    if (error) return Broken(socket_path, error);
  }
  Lines lines(sink);
  std::array<char, 16384> bytes;
  while (!parser.is_done()) {
    auto& body = parser.get().body();
    body.data = bytes.data();
    body.size = bytes.size();
    if (buffer.size() == 0 && !deadline.AwaitBytes(socket.native_handle())) return NoAnswer(socket_path, patience);
    http::read_some(socket, buffer, parser, error);
    if (error && error != http::error::need_buffer) return Broken(socket_path, error);
    if (!lines.Take(absl::string_view(bytes.data(), bytes.size() - body.size))) {
      return absl::DataLossError(absl::StrCat(socket_path, ": found a line of more than ", kMaxLine, " bytes"));
    }
  }
  return parser.get().result_int();
}

}  // namespace verifyd
