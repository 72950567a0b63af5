#include "stream/dialer.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <memory>
#include <string>
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
#include "stream/tls_client.h"

namespace verifyd {
namespace {

namespace local = boost::asio::local;
namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;
using boost::system::error_code;
using Socket = boost::asio::generic::stream_protocol::socket;

constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

class SocketStream : public Stream {
 public:
  // `peer` is the address, as a part of the key of kept TLS sessions.
  SocketStream(Socket socket, std::string peer, TlsClient& tls_client)
      : socket_(std::move(socket)), peer_(std::move(peer)), tls_client_(tls_client) {}
  // Tell OpenSSL that the end is orderly: else it would not resume the session.
  ~SocketStream() override {
    if (tls_ != nullptr) SSL_set_shutdown(tls_->native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }

  boost::asio::awaitable<absl::StatusOr<TlsFacts>> StartTls(const std::string& host, const TlsPolicy& policy) override {
    tls_ = std::make_unique<ssl::stream<Socket&>>(socket_, tls_client_.ContextFor(policy));
    SSL* const raw = tls_->native_handle();
    if (const absl::Status prepared = tls_client_.Prepare(raw, host, peer_, policy); !prepared.ok()) co_return prepared;
    const auto [error] = co_await tls_->async_handshake(ssl::stream_base::client, kAsTuple);
    if (error) co_return TlsClient::WhyFailed(raw, StatusOf(error));
    TlsFacts facts;
    facts.protocol = SSL_get_version(raw);
    facts.cipher = SSL_get_cipher_name(raw);
    facts.resumed = SSL_session_reused(raw) == 1;
    co_return facts;
  }

  boost::asio::awaitable<absl::StatusOr<size_t>> Read(char* buffer, size_t size) override {
    error_code error;
    size_t bytes = 0;
    if (tls_ != nullptr) {
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
    if (tls_ != nullptr) {
      std::tie(error, written) = co_await boost::asio::async_write(*tls_, buffer, kAsTuple);
    } else {
      std::tie(error, written) = co_await boost::asio::async_write(socket_, buffer, kAsTuple);
    }
    co_return error ? StatusOf(error) : absl::OkStatus();
  }

  Socket& socket() { return socket_; }

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
  const std::string peer_;
  TlsClient& tls_client_;
  std::unique_ptr<ssl::stream<Socket&>> tls_;  // null in clear, to save memory
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

// Returns true where a local resource is used up; there may be more of it later.
bool IsExhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM || error == EADDRINUSE ||
         error == EADDRNOTAVAIL;
}

Dialed FailedWith(const error_code& error) {
  Dialed dialed;
  dialed.failure = EventOfErrno(error.value());
  dialed.error = error.message();
  dialed.exhausted = IsExhaustion(error.value());
  return dialed;
}

Dialed Failed(Event event, std::string error) {
  Dialed dialed;
  dialed.failure = event;
  dialed.error = std::move(error);
  return dialed;
}

class SocketDialer : public Dialer {
 public:
  SocketDialer(Loop& loop, const TrustAnchors& anchors) : loop_(loop), tls_client_(anchors) {}

  boost::asio::awaitable<Dialed> Dial(const Endpoint& endpoint, const std::string& source, MonoTime deadline) override {
    const std::string& name = endpoint.path.empty() ? endpoint.address : endpoint.path;
    auto stream = std::make_unique<SocketStream>(Socket(loop_.context()), name, tls_client_);
    Connecting connecting;
    if (Dialed failed = Begin(endpoint, source, stream->socket(), connecting); failed.failure != Event::kNone) {
      co_return failed;
    }
    bool late = false;
    Timer timer(loop_.timers());
    timer.SetAt(deadline, [&] {
      late = true;
      stream->Close();
    });
    const auto [error] = co_await std::move(connecting);
    timer.Cancel();
    if (late) co_return Failed(Event::kConnectTimeout, "Connection timed out");
    if (error) {
      Dialed failed = FailedWith(error);
      // We have no right to this socket of our machine.
      const bool refused_us = error.value() == EACCES || error.value() == EPERM;
      if (refused_us && !endpoint.path.empty()) failed.failure = Event::kRouteBroken;
      co_return failed;
    }
    Dialed dialed;
    dialed.stream = std::move(stream);
    co_return dialed;
  }

 private:
  using Connecting = boost::asio::awaitable<std::tuple<error_code>>;

  // Prepares the connection, or says why it can not. The address has room for any protocol; the only copy is the one in
  // `connecting`.
  static Dialed Begin(const Endpoint& endpoint, const std::string& source, Socket& socket, Connecting& connecting) {
    error_code error;
    if (!endpoint.path.empty()) {
      if (endpoint.path.size() >= sizeof(sockaddr_un::sun_path)) {
        return Failed(Event::kLocalError, "File name too long");
      }
      const local::stream_protocol::endpoint peer(endpoint.path);
      if (socket.open(peer.protocol(), error); error) return FailedWith(error);
      connecting = socket.async_connect(peer, kAsTuple);
      return {};
    }
    const auto address = boost::asio::ip::make_address(endpoint.address, error);
    if (error) return Failed(Event::kLocalError, absl::StrCat("not an IP address: ", endpoint.address));
    const tcp::endpoint peer(address, endpoint.port);
    if (socket.open(peer.protocol(), error); error) return FailedWith(error);
    // TCP_NODELAY would change nothing: a command, or a window of them, is one write, and its replies are waited for.
    if (!source.empty()) {
      // The kernel chooses the port when it knows the destination, so that each destination can have all ports.
      const int on = 1;
      setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
      const auto from = boost::asio::ip::make_address(source, error);
      if (!error) socket.bind(tcp::endpoint(from, 0), error);
      if (error) return Failed(Event::kLocalError, absl::StrCat("bind to ", source, ": ", error.message()));
    }
    connecting = socket.async_connect(peer, kAsTuple);
    return {};
  }

  Loop& loop_;
  TlsClient tls_client_;
};

}  // namespace

bool operator==(const Endpoint& a, const Endpoint& b) {
  const bool same_policy = a.tls == nullptr || b.tls == nullptr ? a.tls == b.tls : *a.tls == *b.tls;
  return same_policy && std::tie(a.host, a.address, a.port, a.preference, a.path, a.protocol) ==
                            std::tie(b.host, b.address, b.port, b.preference, b.path, b.protocol);
}

std::string Endpoint::HostAndAddress() const { return absl::StrCat(host, "[", path.empty() ? address : path, "]"); }

std::string Endpoint::ToString() const {
  return path.empty() ? absl::StrCat(HostAndAddress(), ":", port) : HostAndAddress();
}

std::unique_ptr<Dialer> MakeSocketDialer(Loop& loop, const TrustAnchors& anchors) {
  return std::make_unique<SocketDialer>(loop, anchors);
}

}  // namespace verifyd
