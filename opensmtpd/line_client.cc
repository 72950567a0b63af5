#include "opensmtpd/line_client.h"

#include <sys/un.h>

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/text.h"
#include "base/timer.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/generic/stream_protocol.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/address.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"

namespace verifyd {
namespace {

using boost::asio::generic::stream_protocol;
using boost::system::error_code;

constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);
// So many questions usually come at a time.
constexpr size_t kMaxIdle = 16;
constexpr size_t kMaxAnswer = 4096;

stream_protocol::endpoint EndpointOf(const LinePlace& place) {
  if (!place.path.empty()) return boost::asio::local::stream_protocol::endpoint(place.path);
  return boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(place.address), place.port);
}

}  // namespace

absl::StatusOr<LinePlace> LinePlace::Parse(absl::string_view text) {
  LinePlace place;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "unix:")) {
    place.path = std::string(rest);
    if (absl::StartsWith(rest, "/") && rest.size() < sizeof(sockaddr_un::sun_path)) return place;
  } else if (absl::ConsumePrefix(&rest, "inet:")) {
    const size_t colon = rest.rfind(':');
    absl::string_view address = rest.substr(0, colon);
    if (absl::ConsumePrefix(&address, "[")) absl::ConsumeSuffix(&address, "]");
    place.address = std::string(address);
    error_code error;
    boost::asio::ip::make_address(place.address, error);
    int port = 0;
    if (!error && colon != absl::string_view::npos && absl::SimpleAtoi(rest.substr(colon + 1), &port) && port > 0 &&
        port <= 65535) {
      place.port = static_cast<uint16_t>(port);
      return place;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("found \"", Printable(text, 120), "\", expected inet:ADDRESS:PORT or unix:/PATH"));
}

struct LineClient::Connection {
  explicit Connection(boost::asio::io_context& context) : socket(context) {}
  stream_protocol::socket socket;
};

LineClient::LineClient(Loop& loop, LinePlace place) : loop_(loop), place_(std::move(place)) {}

LineClient::~LineClient() = default;

boost::asio::awaitable<absl::StatusOr<std::string>> LineClient::Ask(std::string recipient) {
  const std::string request = absl::StrCat("rcpt ", recipient, "\n");
  const MonoTime deadline = loop_.clock().Mono() + kTimeLimit;
  // A connection may have been closed while it was idle; its error says nothing.
  while (!idle_.empty()) {
    absl::StatusOr<std::string> answer = co_await Try(request, deadline);
    if (answer.ok() || loop_.clock().Mono() >= deadline) co_return answer;
  }
  co_return co_await Try(request, deadline);
}

boost::asio::awaitable<absl::StatusOr<std::string>> LineClient::Try(const std::string& request, MonoTime deadline) {
  std::unique_ptr<Connection> connection;
  if (idle_.empty()) {
    connection = std::make_unique<Connection>(loop_.context());
  } else {
    connection = std::move(idle_.back());
    idle_.pop_back();
  }
  bool late = false;
  Timer timer(loop_.timers());
  timer.SetAt(deadline, [&] {
    late = true;
    error_code ignored;
    connection->socket.close(ignored);
  });
  absl::StatusOr<std::string> answer = co_await Exchange(*connection, request);
  if (late) co_return absl::DeadlineExceededError("no answer in time");
  if (answer.ok() && idle_.size() < kMaxIdle) idle_.push_back(std::move(connection));
  co_return answer;
}

boost::asio::awaitable<absl::StatusOr<std::string>> LineClient::Exchange(Connection& connection,
                                                                         const std::string& request) {
  stream_protocol::socket& socket = connection.socket;
  if (!socket.is_open()) {
    const auto [error] = co_await socket.async_connect(EndpointOf(place_), kAsTuple);
    if (error) co_return absl::UnavailableError(error.message());
  }
  const auto [write_error, written] = co_await boost::asio::async_write(socket, boost::asio::buffer(request), kAsTuple);
  if (write_error) co_return absl::UnavailableError(write_error.message());
  std::string received;
  std::array<char, kMaxAnswer> buffer;
  while (received.find('\n') == std::string::npos && received.size() < kMaxAnswer) {
    const auto [error, count] = co_await socket.async_read_some(boost::asio::buffer(buffer), kAsTuple);
    if (error) co_return absl::UnavailableError(error.message());
    received.append(buffer.data(), count);
  }
  const size_t end = received.find('\n');
  if (end + 1 != received.size()) co_return absl::UnavailableError("that is no line door");
  received.pop_back();
  co_return received;
}

}  // namespace verifyd
