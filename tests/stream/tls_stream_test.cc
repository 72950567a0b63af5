// Tests TLS over real sockets on loopback; the other end is a thread.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/asio/write.hpp"
#include "stream/dialer.h"

namespace verifyd {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using TlsSocket = asio::ssl::stream<tcp::socket&>;

// A self-signed certificate of mx.example.com, made for this run.
struct Identity {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();

  Identity() {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME* const name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    for (const auto& [nid, value] : {std::pair(NID_subject_alt_name, "DNS:mx.example.com"),
                                     std::pair(NID_basic_constraints, "critical,CA:TRUE")}) {
      X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
      X509_add_ext(certificate, extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(certificate, key, EVP_sha256());
  }
  ~Identity() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  // Writes it as a CA file.
  void Write(const std::string& path) const {
    FILE* const out = std::fopen(path.c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
  }
  // Returns it as "3 1 1" of TLSA: the digest of the public key.
  TlsaRecord Tlsa() const {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest = {};
    unsigned int size = 0;
    unsigned char* der = nullptr;
    const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    EVP_Digest(der, static_cast<size_t>(length), digest.data(), &size, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    return {3, 1, 1, std::string(reinterpret_cast<const char*>(digest.data()), size)};
  }
};

const Identity& TheServer() {
  static const auto* const kIdentity = new Identity();
  return *kIdentity;
}

asio::ssl::context ServerContext() {
  asio::ssl::context context(asio::ssl::context::tls_server);
  SSL_CTX_use_certificate(context.native_handle(), TheServer().certificate);
  SSL_CTX_use_PrivateKey(context.native_handle(), TheServer().key);
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
        // A server that hangs up without close_notify has ended, which is no error.
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

// Tests the result of a handshake with TheServer().
class TlsPolicyAtWorkTest : public TlsStreamTest {
 protected:
  absl::StatusOr<TlsFacts> Shake(const TlsPolicy& policy) {
    absl::StatusOr<TlsFacts> result = absl::UnknownError("not asked");
    Run(
        [&](tcp::socket& socket) {
          TlsSocket tls(socket, context_);
          boost::system::error_code error;
          tls.handshake(TlsSocket::server, error);
          // The client gets its tickets after the handshake.
          if (!error) asio::write(tls, asio::buffer("220 ready", 9), error);
          std::array<char, 100> bytes = {};
          tls.read_some(asio::buffer(bytes), error);
        },
        [&](Stream& stream) -> asio::awaitable<void> {
          result = co_await stream.StartTls("mx.example.com", policy);
          std::array<char, 100> bytes = {};
          if (result.ok()) (co_await stream.Read(bytes.data(), bytes.size())).IgnoreError();
          stream.Close();
        });
    return result;
  }

  asio::ssl::context context_ = ServerContext();
};

TEST_F(TlsPolicyAtWorkTest, ACertificateOfTheRightNameThatSomebodyVouchesForIsTaken) {
  const std::string file = testing::TempDir() + "/verifyd-tls-ca.pem";
  TheServer().Write(file);
  dialer_ = MakeSocketDialer(loop_, {.file = file});
  for (const char* match : {"mx.example.com", ".example.com", "other.example.com:mx.example.com"}) {
    const absl::StatusOr<TlsFacts> facts = Shake(TlsPolicy::Parse(absl::StrCat("secure match=", match)).value());
    EXPECT_TRUE(facts.ok()) << match << ": " << facts.status();
    loop_.context().restart();
  }
  const absl::StatusOr<TlsFacts> other = Shake(TlsPolicy::Parse("secure match=mx.example.net").value());
  EXPECT_EQ(other.status().code(), absl::StatusCode::kPermissionDenied) << other.status();
  std::remove(file.c_str());
}

TEST_F(TlsPolicyAtWorkTest, ACertificateThatNobodyVouchesForIsNotTakenWhereItMatters) {
  EXPECT_EQ(Shake(TlsPolicy::Parse("secure match=mx.example.com").value()).status().code(),
            absl::StatusCode::kPermissionDenied);
  loop_.context().restart();
  EXPECT_TRUE(Shake(TlsPolicy::Parse("encrypt").value()).ok());
}

TEST_F(TlsPolicyAtWorkTest, ACertificateThatDnsVouchesForIsTakenAndNoOther) {
  TlsPolicy policy = TlsPolicy::Parse("dane").value();
  policy.tlsa = {TheServer().Tlsa()};
  EXPECT_TRUE(Shake(policy).ok());
  loop_.context().restart();
  policy.tlsa[0].data[0] = static_cast<char>(policy.tlsa[0].data[0] ^ 1);
  EXPECT_EQ(Shake(policy).status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(TlsPolicyAtWorkTest, ASecondSessionWithTheSameServerIsResumedButNotUnderAnotherPolicy) {
  const absl::StatusOr<TlsFacts> first = Shake(TlsPolicy());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->resumed);
  loop_.context().restart();
  const absl::StatusOr<TlsFacts> second = Shake(TlsPolicy());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->resumed);
  loop_.context().restart();
  TlsPolicy dane = TlsPolicy::Parse("dane").value();
  dane.tlsa = {TheServer().Tlsa()};
  const absl::StatusOr<TlsFacts> verified = Shake(dane);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_FALSE(verified->resumed);
}

}  // namespace
}  // namespace verifyd
