#include "probe/dialer.h"

#include <sys/un.h>

#include <cerrno>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/buffer.hpp"
#include "boost/asio/generic/stream_protocol.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/address.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/local/stream_protocol.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/error.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"

namespace verifyd {
namespace {

namespace local = boost::asio::local;
namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;
using boost::system::error_code;
using Socket = boost::asio::generic::stream_protocol::socket;

constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

// Opportunistic: what an old server offers is still better than none.
ssl::context MakeTlsContext() {
  ssl::context context(ssl::context::tls_client);
  context.set_verify_mode(ssl::verify_none);
  SSL_CTX* const raw = context.native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_VERSION);
  SSL_CTX_set_security_level(raw, 0);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  // A server that hangs up without close_notify has said what it had to say.
  SSL_CTX_set_options(raw, SSL_OP_IGNORE_UNEXPECTED_EOF);
  return context;
}

class SocketStream : public Stream {
 public:
  SocketStream(Socket socket, ssl::context& tls_context) : socket_(std::move(socket)), tls_context_(tls_context) {}

  boost::asio::awaitable<absl::StatusOr<TlsFacts>> StartTls(const std::string& server_name) override {
    tls_.emplace(socket_, tls_context_);
    error_code not_an_address;
    boost::asio::ip::make_address(server_name, not_an_address);
    if (not_an_address) SSL_set_tlsext_host_name(tls_->native_handle(), server_name.c_str());
    const auto [error] = co_await tls_->async_handshake(ssl::stream_base::client, kAsTuple);
    if (error) co_return StatusOf(error);
    TlsFacts facts;
    facts.protocol = SSL_get_version(tls_->native_handle());
    facts.cipher = SSL_get_cipher_name(tls_->native_handle());
    co_return facts;
  }

  boost::asio::awaitable<absl::StatusOr<size_t>> Read(char* buffer, size_t size) override {
    error_code error;
    size_t bytes = 0;
    if (tls_.has_value()) {
      std::tie(error, bytes) = co_await tls_->async_read_some(boost::asio::buffer(buffer, size), kAsTuple);
    } else {
      std::tie(error, bytes) = co_await socket_.async_read_some(boost::asio::buffer(buffer, size), kAsTuple);
    }
    if (error == boost::asio::error::eof || error == ssl::error::stream_truncated) co_return size_t{0};
    if (error) co_return StatusOf(error);
    co_return bytes;
  }

  boost::asio::awaitable<absl::Status> Write(absl::string_view bytes) override {
    error_code error;
    const auto buffer = boost::asio::buffer(bytes.data(), bytes.size());
    size_t written = 0;
    if (tls_.has_value()) {
      std::tie(error, written) = co_await boost::asio::async_write(*tls_, buffer, kAsTuple);
    } else {
      std::tie(error, written) = co_await boost::asio::async_write(socket_, buffer, kAsTuple);
    }
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

  Socket socket_;
  ssl::context& tls_context_;
  std::optional<ssl::stream<Socket&>> tls_;
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

class SocketDialer : public Dialer {
 public:
  explicit SocketDialer(Loop& loop) : loop_(loop) {}

  boost::asio::awaitable<Dialed> Dial(const Endpoint& endpoint, const std::string& source, MonoTime deadline) override {
    if (endpoint.path.empty()) return DialTcp(endpoint, source, deadline);
    return Connect(Socket(loop_.context()), endpoint.path, deadline);
  }

 private:
  boost::asio::awaitable<Dialed> DialTcp(Endpoint endpoint, std::string source, MonoTime deadline) {
    error_code error;
    const auto address = boost::asio::ip::make_address(endpoint.address, error);
    if (error) co_return Failed(Event::kLocalError, absl::StrCat("not an IP address: ", endpoint.address));
    const tcp::endpoint peer(address, endpoint.port);
    Socket socket(loop_.context());
    if (socket.open(peer.protocol(), error); error) co_return Failed(EventOfErrno(error.value()), error.message());
    // Commands are small and each waits for an answer.
    socket.set_option(tcp::no_delay(true), error);
    if (!source.empty()) {
      const auto from = boost::asio::ip::make_address(source, error);
      if (!error) socket.bind(tcp::endpoint(from, 0), error);
      if (error) co_return Failed(Event::kLocalError, absl::StrCat("bind to ", source, ": ", error.message()));
    }
    co_return co_await Connect(std::move(socket), peer, deadline);
  }

  boost::asio::awaitable<Dialed> Connect(Socket socket, std::string path, MonoTime deadline) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) co_return Failed(Event::kLocalError, "File name too long");
    const local::stream_protocol::endpoint peer(path);
    error_code error;
    if (socket.open(peer.protocol(), error); error) co_return Failed(EventOfErrno(error.value()), error.message());
    co_return co_await Connect(std::move(socket), peer, deadline);
  }

  boost::asio::awaitable<Dialed> Connect(Socket socket, Socket::endpoint_type peer, MonoTime deadline) {
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
    dialed.stream = std::make_unique<SocketStream>(std::move(socket), tls_context_);
    co_return dialed;
  }

  Loop& loop_;
  ssl::context tls_context_ = MakeTlsContext();
};

}  // namespace

std::string Endpoint::HostAndAddress() const { return absl::StrCat(host, "[", path.empty() ? address : path, "]"); }

std::string Endpoint::ToString() const {
  return path.empty() ? absl::StrCat(HostAndAddress(), ":", port) : HostAndAddress();
}

std::unique_ptr<Dialer> MakeSocketDialer(Loop& loop) { return std::make_unique<SocketDialer>(loop); }

}  // namespace verifyd
