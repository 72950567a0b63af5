#include "verifyd/http/control.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/exception_text.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/timer.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http.hpp"
#include "verifyd/door/listener.h"
#include "verifyd/http/peer.h"

namespace verifyd {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Local = asio::local::stream_protocol;

constexpr size_t kConnectionLimit = 64;
constexpr uint32_t kHeaderLimit = 8 * 1024;
constexpr uint64_t kBodyLimit = uint64_t{1024} * 1024;
// For a body of lines.
constexpr size_t kLineLimit = 1024;
constexpr absl::Duration kSilence = absl::Seconds(30);
constexpr mode_t kSocketMode = 0660;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// One client. Its waits run under timers that close the socket.
struct Connection {
  Connection(Loop& loop, int fd)
      : right(RightOf(PeerOf(fd), geteuid(), SocketGroupOf(fd))),
        socket(loop.context(), Local(), fd),
        silence(loop.timers()),
        rest_of_line(loop.timers()) {}

  void Close() {
    boost::system::error_code ignored;
    socket.close(ignored);
  }
  void ExpectSoon() {
    silence.SetAfter(kSilence, [this] { Close(); });
  }
  void ExpectRestOfLine() {
    rest_of_line.SetAfter(kSilence, [this] { Close(); });
  }

  const ApiRight right;
  Local::socket socket;
  Timer silence;
  Timer rest_of_line;  // its own, because a body of lines is read while answers go out
  MonoTime line_awaited_since = MonoTime::InfiniteFuture();  // of a body of lines; infinite: none is
  boost::beast::flat_buffer buffer{kHeaderLimit + kBodyLimit};
};

using Request = http::request<http::string_body>;
using Parser = http::request_parser<http::string_body>;

// The lines of a body of text/plain, read as they are wanted; its length does not matter.
class BodyLines {
 public:
  BodyLines(const Clock& clock, std::shared_ptr<Connection> connection, std::shared_ptr<Parser> parser)
      : clock_(clock), connection_(std::move(connection)), parser_(std::move(parser)) {}

  asio::awaitable<std::optional<std::string>> Next() {
    std::string& body = parser_->get().body();
    size_t end = body.rfind('\n');
    while (end == std::string::npos && !parser_->is_done()) {
      // A longer line is no address. The answer says so, and need not keep all of it.
      if (body.size() > kLineLimit) body.resize(kLineLimit);
      // The writer of the lines may think before each, but not in the middle of one.
      if (!body.empty() && !connection_->rest_of_line.set()) connection_->ExpectRestOfLine();
      connection_->line_awaited_since = clock_.Mono();
      const auto [error, bytes] =
          co_await http::async_read_some(connection_->socket, connection_->buffer, *parser_, kAwait);
      connection_->line_awaited_since = MonoTime::InfiniteFuture();
      if (error) co_return std::nullopt;
      end = body.rfind('\n');
    }
    connection_->rest_of_line.Cancel();
    if (end == std::string::npos && body.empty()) co_return std::nullopt;
    std::string lines = body.substr(0, end == std::string::npos ? end : end + 1);
    body.erase(0, lines.size());
    co_return lines;
  }

 private:
  const Clock& clock_;
  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<Parser> parser_;
};

template <typename Body>
http::response<Body> ResponseFor(const Request& request, int status, absl::string_view content_type) {
  http::response<Body> response;
  response.version(request.version());
  response.result(static_cast<unsigned>(status));
  response.set(http::field::server, "verifyd");
  response.set(http::field::content_type, boost::beast::string_view(content_type.data(), content_type.size()));
  response.keep_alive(request.keep_alive());
  return response;
}

// False when the client is gone.
asio::awaitable<bool> WriteBody(Connection& connection, const Request& request, int status, const std::string& body) {
  auto response = ResponseFor<http::string_body>(request, status, "application/json");
  response.body() = body;
  response.body().push_back('\n');
  response.prepare_payload();
  connection.ExpectSoon();
  const auto [error, bytes] = co_await http::async_write(connection.socket, response, kAwait);
  co_return !error;
}

asio::awaitable<bool> WriteLines(Connection& connection, const Request& request, LineSource next_lines) {
  auto response = ResponseFor<http::empty_body>(request, 200, "application/x-ndjson");
  const bool chunked = request.version() >= 11;
  response.chunked(chunked);
  if (!chunked) response.keep_alive(false);
  http::response_serializer<http::empty_body> serializer(response);
  connection.ExpectSoon();
  const auto [header_error, header_bytes] = co_await http::async_write_header(connection.socket, serializer, kAwait);
  if (header_error) co_return false;
  for (;;) {
    connection.silence.Cancel();
    const std::optional<std::string> lines = co_await next_lines();
    connection.ExpectSoon();
    if (!lines.has_value()) break;
    const asio::const_buffer bytes = asio::buffer(*lines);
    boost::system::error_code error;
    if (chunked) {
      const auto chunk = http::make_chunk(bytes);
      const auto result = co_await asio::async_write(connection.socket, chunk, kAwait);
      error = std::get<0>(result);
    } else {
      const auto result = co_await asio::async_write(connection.socket, bytes, kAwait);
      error = std::get<0>(result);
    }
    if (error) co_return false;
  }
  if (!chunked) co_return true;
  const auto end = http::make_chunk_last();
  const auto [error, bytes] = co_await asio::async_write(connection.socket, end, kAwait);
  co_return !error;
}

// Answers a fault of the client, where it is worth an answer.
ApiReply ReplyToBadRequest(const boost::system::error_code& error) {
  if (error == http::error::body_limit) return ApiError(413, absl::StrCat("more than ", kBodyLimit, " bytes of body"));
  if (error == http::error::header_limit) {
    return ApiError(431, absl::StrCat("more than ", kHeaderLimit, " bytes of header"));
  }
  return ApiError(400, absl::StrCat("not HTTP/1.1: ", error.message()));
}

bool IsProtocolError(const boost::system::error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

// A connection's place among those of a door, until it is served to the end, however that comes.
class ControlDoor::Place {
 public:
  Place(std::shared_ptr<Impl> door, std::shared_ptr<Connection> connection);
  ~Place();
  Place(Place&& other) noexcept = default;
  Place& operator=(Place&& other) = delete;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  Impl& door() const { return *door_; }
  const std::shared_ptr<Connection>& connection() const { return connection_; }

 private:
  std::shared_ptr<Impl> door_;
  std::shared_ptr<Connection> connection_;
};

struct ControlDoor::Impl {
  Impl(Loop& loop, ApiContext& context) : loop(loop), context(context) {}

  static void Accept(const std::shared_ptr<Impl>& self, int fd);
  static asio::awaitable<void> Serve(Place place);
  asio::awaitable<bool> ServeOne(std::shared_ptr<Connection> connection);
  asio::awaitable<ApiReply> ReplyTo(const ApiRequest& asked);
  void SayFault(absl::string_view what);
  bool MakeRoom();

  Loop& loop;
  ApiContext& context;
  std::unique_ptr<Listener> listener;
  absl::flat_hash_set<Connection*> connections;
};

ControlDoor::Place::Place(std::shared_ptr<Impl> door, std::shared_ptr<Connection> connection)
    : door_(std::move(door)), connection_(std::move(connection)) {
  door_->connections.insert(connection_.get());
}

ControlDoor::Place::~Place() {
  if (connection_ == nullptr) return;  // it is elsewhere now
  connection_->silence.Cancel();
  connection_->rest_of_line.Cancel();
  connection_->Close();
  door_->connections.erase(connection_.get());
}

// Returns the lines of a body of text/plain; nothing for any other.
LineSource LinesOf(const Clock& clock, const std::shared_ptr<Connection>& connection,
                   const std::shared_ptr<Parser>& parser) {
  const auto type = parser->get()[http::field::content_type];
  if (!absl::StartsWithIgnoreCase(absl::string_view(type.data(), type.size()), "text/plain")) return nullptr;
  const auto lines = std::make_shared<BodyLines>(clock, connection, parser);
  return [lines] { return lines->Next(); };
}

asio::awaitable<ApiReply> ControlDoor::Impl::ReplyTo(const ApiRequest& asked) {
  std::string failure;
  try {
    ApiReply reply = HandleApiRequest(context, asked);
    if (reply.later) {
      const auto later = std::move(reply.later);
      reply = co_await later();
    }
    co_return reply;
  } catch (...) {
    failure = ExceptionText();
  }
  SayFault(failure);
  co_return ApiError(500, absl::StrCat("internal error: ", failure));
}

// False when the connection is to be closed.
asio::awaitable<bool> ControlDoor::Impl::ServeOne(std::shared_ptr<Connection> connection) {
  const auto parser = std::make_shared<Parser>();
  parser->header_limit(kHeaderLimit);
  parser->body_limit(boost::none);  // a body that is read line by line has none
  connection->ExpectSoon();
  auto [error, bytes] = co_await http::async_read_header(connection->socket, connection->buffer, *parser, kAwait);
  ApiRequest asked;
  if (!error) asked.lines = LinesOf(loop.clock(), connection, parser);
  if (!error && !asked.lines) {
    parser->body_limit(kBodyLimit);
    if (parser->content_length().value_or(0) > kBodyLimit) error = http::error::body_limit;
  }
  if (!error && !asked.lines) {
    std::tie(error, bytes) = co_await http::async_read(connection->socket, connection->buffer, *parser, kAwait);
  }
  connection->silence.Cancel();
  if (error) {
    if (!IsProtocolError(error)) co_return false;
    const ApiReply reply = ReplyToBadRequest(error);
    Request broken;
    broken.keep_alive(false);
    co_await WriteBody(*connection, broken, reply.status, reply.body);
    co_return false;
  }
  const Request& request = parser->get();
  asked.method = std::string(request.method_string());
  asked.target = std::string(request.target());
  if (!asked.lines) asked.body = request.body();
  asked.right = connection->right;
  ApiReply reply = co_await ReplyTo(asked);
  bool written = false;
  if (reply.lines) {
    written = co_await WriteLines(*connection, request, std::move(reply.lines));
  } else {
    written = co_await WriteBody(*connection, request, reply.status, reply.body);
  }
  // The rest of a body that was not wanted would be taken for the next request.
  const bool goes_on = written && request.keep_alive() && parser->is_done() && connection->socket.is_open();
  co_return goes_on;
}

// A fault in the lines of an answer breaks it off: its head has gone out.
asio::awaitable<void> ControlDoor::Impl::Serve(Place place) {
  std::string failure;
  try {
    while (co_await place.door().ServeOne(place.connection())) {
    }
  } catch (...) {
    failure = ExceptionText();
  }
  if (!failure.empty()) place.door().SayFault(failure);
}

void ControlDoor::Impl::SayFault(absl::string_view what) {
  LogError(absl::StrCat("control: internal error while answering a request: ", what));
  if (context.daemon.has_value()) context.daemon->metrics.internal_errors().Increment();
}

// False where no connection keeps its place for nothing.
bool ControlDoor::Impl::MakeRoom() {
  if (connections.size() < kConnectionLimit) return true;
  Connection* const slowest = *std::min_element(
      connections.begin(), connections.end(),
      [](const Connection* a, const Connection* b) { return a->line_awaited_since < b->line_awaited_since; });
  if (loop.clock().Mono() < slowest->line_awaited_since + kSilence) return false;
  LogWarning(absl::StrCat("control: more than ", kConnectionLimit, " connections: one whose next line was waited for ",
                          "longest is closed"));
  // It leaves the list in a moment, and must not be chosen again until then.
  slowest->line_awaited_since = MonoTime::InfiniteFuture();
  slowest->Close();
  return true;
}

void ControlDoor::Impl::Accept(const std::shared_ptr<Impl>& self, int fd) {
  if (!self->MakeRoom()) {
    LogWarning(absl::StrCat("control: more than ", kConnectionLimit, " connections: one is closed"));
    close(fd);
    return;
  }
  self->loop.Spawn(Serve(Place(self, std::make_shared<Connection>(self->loop, fd))));
}

ControlDoor::ControlDoor(Loop& loop, ApiContext& context) : impl_(std::make_shared<Impl>(loop, context)) {}

ControlDoor::~ControlDoor() { Close(); }

void ControlDoor::Start(std::unique_ptr<Listener> listener) {
  const std::weak_ptr<Impl> weak = impl_;
  listener->Start([weak](int fd) {
    const std::shared_ptr<Impl> self = weak.lock();
    if (self == nullptr) {
      close(fd);
    } else {
      Impl::Accept(self, fd);
    }
  });
  impl_->listener = std::move(listener);
}

absl::Status ControlDoor::Listen(const std::string& path) {
  ListenAddress address;
  address.path = path;
  address.mode = kSocketMode;
  ASSIGN_OR_RETURN(std::unique_ptr<Listener> listener, Listener::Open(impl_->loop, address));
  Start(std::move(listener));
  return absl::OkStatus();
}

void ControlDoor::Adopt(int fd) { Start(Listener::Adopt(impl_->loop, fd)); }

void ControlDoor::Close() {
  impl_->listener.reset();
  for (Connection* connection : impl_->connections) connection->Close();
}

}  // namespace verifyd
