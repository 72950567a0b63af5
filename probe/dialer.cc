#include "probe/dialer.h"

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/address.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"

namespace verifyd {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

class TcpStream : public Stream {
 public:
  explicit TcpStream(tcp::socket socket) : socket_(std::move(socket)) {}

  boost::asio::awaitable<absl::StatusOr<size_t>> Read(char* buffer, size_t size) override {
    const auto [error, bytes] = co_await socket_.async_read_some(boost::asio::buffer(buffer, size), kAsTuple);
    if (error == boost::asio::error::eof) co_return size_t{0};
    if (error) co_return StatusOf(error);
    co_return bytes;
  }

  boost::asio::awaitable<absl::Status> Write(absl::string_view bytes) override {
    const auto [error, written] =
        co_await boost::asio::async_write(socket_, boost::asio::buffer(bytes.data(), bytes.size()), kAsTuple);
    co_return error ? StatusOf(error) : absl::OkStatus();
  }

  void Close() override {
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  absl::Status StatusOf(const error_code& error) const {
    return closed_ ? absl::AbortedError("closed") : absl::UnavailableError(error.message());
  }

  tcp::socket socket_;
  bool closed_ = false;
};

Event EventOfErrno(int error) {
  switch (error) {
    case ECONNREFUSED:
      return Event::kConnectRefused;
    case ETIMEDOUT:
      return Event::kConnectTimeout;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
      return Event::kConnectReset;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRINUSE:
    case EADDRNOTAVAIL:  // no such source address, or no local port left
      return Event::kLocalError;
    default:  // no route, host or network down, a firewall of ours (EACCES, EPERM), no IPv6 on this machine
      return Event::kConnectUnreachable;
  }
}

Dialed Failed(Event event, std::string error) {
  Dialed dialed;
  dialed.failure = event;
  dialed.error = std::move(error);
  return dialed;
}

class TcpDialer : public Dialer {
 public:
  explicit TcpDialer(Loop& loop) : loop_(loop) {}

  boost::asio::awaitable<Dialed> Dial(const Endpoint& endpoint, const std::string& source, MonoTime deadline) override {
    error_code error;
    const auto address = boost::asio::ip::make_address(endpoint.address, error);
    if (error) co_return Failed(Event::kLocalError, absl::StrCat("not an IP address: ", endpoint.address));
    const tcp::endpoint peer(address, endpoint.port);
    tcp::socket socket(loop_.context());
    if (socket.open(peer.protocol(), error); error) co_return Failed(EventOfErrno(error.value()), error.message());
    // Commands are small and each waits for an answer.
    socket.set_option(tcp::no_delay(true), error);
    if (!source.empty()) {
      const auto from = boost::asio::ip::make_address(source, error);
      if (!error) socket.bind(tcp::endpoint(from, 0), error);
      if (error) co_return Failed(Event::kLocalError, absl::StrCat("bind to ", source, ": ", error.message()));
    }
    bool late = false;
    Timer timer(loop_.timers());
    timer.SetAt(deadline, [&] {
      late = true;
      error_code ignored;
      socket.close(ignored);
    });
    const auto [failed] = co_await socket.async_connect(peer, kAsTuple);
    timer.Cancel();
    if (late) co_return Failed(Event::kConnectTimeout, "Connection timed out");
    if (failed) co_return Failed(EventOfErrno(failed.value()), failed.message());
    Dialed dialed;
    dialed.stream = std::make_unique<TcpStream>(std::move(socket));
    co_return dialed;
  }

 private:
  Loop& loop_;
};

}  // namespace

std::string Endpoint::ToString() const {
  return path.empty() ? absl::StrCat(host, "[", address, "]:", port) : absl::StrCat(host, "[", path, "]");
}

std::unique_ptr<Dialer> MakeTcpDialer(Loop& loop) { return std::make_unique<TcpDialer>(loop); }

}  // namespace verifyd
