// TLS over real sockets on loopback: the other end is a thread.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/asio/write.hpp"
#include "probe/dialer.h"

namespace verifyd {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using TlsSocket = asio::ssl::stream<tcp::socket&>;

// A server's context with a certificate made for this run.
asio::ssl::context ServerContext() {
  asio::ssl::context context(asio::ssl::context::tls_server);
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX_use_certificate(context.native_handle(), certificate);
  SSL_CTX_use_PrivateKey(context.native_handle(), key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

class TlsStreamTest : public testing::Test {
 protected:
  // The server accepts one connection and does `serve`; the client gets a stream to it and does `ask`.
  void Run(std::function<void(tcp::socket&)> serve, std::function<asio::awaitable<void>(Stream&)> ask) {
    std::thread server([&] {
      tcp::socket socket(others_);
      boost::system::error_code error;
      acceptor_.accept(socket, error);
      if (!error) serve(socket);
    });
    loop_.Spawn(Ask(*this, std::move(ask)));
    loop_.Run();
    server.join();
  }

  static asio::awaitable<void> Ask(TlsStreamTest& test, std::function<asio::awaitable<void>(Stream&)> ask) {
    Endpoint endpoint;
    endpoint.host = "mx.example.com";
    endpoint.address = "127.0.0.1";
    endpoint.port = test.acceptor_.local_endpoint().port();
    Dialed dialed = co_await test.dialer_->Dial(endpoint, "", Clock::Real().Mono() + absl::Seconds(30));
    EXPECT_NE(dialed.stream, nullptr) << dialed.error;
    if (dialed.stream != nullptr) co_await ask(*dialed.stream);
    test.loop_.Stop();
  }

  Loop loop_{Clock::Real()};
  std::unique_ptr<Dialer> dialer_ = MakeSocketDialer(loop_);
  asio::io_context others_;
  tcp::acceptor acceptor_{others_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

TEST_F(TlsStreamTest, BytesGoBothWaysInTlsAndTheServerIsToldWhomWeWant) {
  std::string name;
  Run(
      [&](tcp::socket& socket) {
        asio::ssl::context context = ServerContext();
        TlsSocket tls(socket, context);
        tls.handshake(TlsSocket::server);
        name = SSL_get_servername(tls.native_handle(), TLSEXT_NAMETYPE_host_name);
        std::array<char, 100> bytes = {};
        const size_t count = tls.read_some(asio::buffer(bytes));
        asio::write(tls, asio::buffer(bytes, count));
      },
      [](Stream& stream) -> asio::awaitable<void> {
        const absl::StatusOr<TlsFacts> facts = co_await stream.StartTls("mx.example.com", TlsPolicy());
        EXPECT_TRUE(facts.ok()) << facts.status();
        if (!facts.ok()) co_return;
        EXPECT_EQ(facts->protocol, "TLSv1.3");
        EXPECT_FALSE(facts->cipher.empty());
        const absl::Status written = co_await stream.Write("EHLO me\r\n");
        EXPECT_TRUE(written.ok());
        std::array<char, 100> bytes = {};
        const absl::StatusOr<size_t> count = co_await stream.Read(bytes.data(), bytes.size());
        EXPECT_TRUE(count.ok());
        if (count.ok()) EXPECT_EQ(std::string(bytes.data(), *count), "EHLO me\r\n");
        // A server that hangs up without a word is at its end, not broken.
        const absl::StatusOr<size_t> end = co_await stream.Read(bytes.data(), bytes.size());
        EXPECT_TRUE(end.ok()) << end.status();
        if (end.ok()) EXPECT_EQ(*end, 0U);
      });
  EXPECT_EQ(name, "mx.example.com");
}

TEST_F(TlsStreamTest, GarbageInsteadOfAHandshakeIsAnError) {
  Run(
      [](tcp::socket& socket) {
        asio::write(socket, asio::buffer(std::string(1000, 'x')));
        std::array<char, 1000> bytes = {};
        boost::system::error_code ignored;
        while (socket.read_some(asio::buffer(bytes), ignored) > 0) {
        }
      },
      [](Stream& stream) -> asio::awaitable<void> {
        const absl::StatusOr<TlsFacts> facts = co_await stream.StartTls("mx.example.com", TlsPolicy());
        EXPECT_FALSE(facts.ok());
        stream.Close();
      });
}

TEST_F(TlsStreamTest, AHandshakeThatGoesNowhereIsEndedByClose) {
  Run(
      [](tcp::socket& socket) {
        std::array<char, 1000> bytes = {};
        boost::system::error_code ignored;
        while (socket.read_some(asio::buffer(bytes), ignored) > 0) {
        }
      },
      [this](Stream& stream) -> asio::awaitable<void> {
        Timer timer(loop_.timers());
        timer.SetAfter(absl::Milliseconds(20), [&stream] { stream.Close(); });
        const absl::StatusOr<TlsFacts> facts = co_await stream.StartTls("mx.example.com", TlsPolicy());
        EXPECT_EQ(facts.status().code(), absl::StatusCode::kAborted);
      });
}

}  // namespace
}  // namespace verifyd
