// The TLS side of the streams we dial: contexts of OpenSSL, the demands of a policy on a handshake, and earlier
// sessions to resume.
//
// Thread: one (the loop of its dialer).
#ifndef VERIFYD_STREAM_TLS_CLIENT_H_
#define VERIFYD_STREAM_TLS_CLIENT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "stream/dialer.h"
#include "stream/tls_policy.h"

namespace boost::asio::ssl {
class context;
}

namespace verifyd {

class TlsClient {
 public:
  // Sessions that are kept; each one beyond replaces another.
  static constexpr size_t kMaxSessions = 2000;

  explicit TlsClient(const TrustAnchors& anchors);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  boost::asio::ssl::context& ContextFor(const TlsPolicy& policy) {
    return policy.authenticated() ? *authenticated_ : *opportunistic_;
  }
  // Sets the demands of the policy on a handshake with `host` at `peer` (its address), before the handshake begins. An
  // error: OpenSSL refuses them.
  absl::Status Prepare(SSL* ssl, const std::string& host, const std::string& peer, const TlsPolicy& policy);
  // Says why a handshake failed: kPermissionDenied where the certificate did not meet the policy, else `otherwise`.
  static absl::Status WhyFailed(SSL* ssl, absl::Status otherwise);

 private:
  struct FreeSession {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };

  void SetUp(boost::asio::ssl::context& context);
  static int KeepSession(SSL* ssl, SSL_SESSION* session);

  const std::unique_ptr<boost::asio::ssl::context> opportunistic_;
  const std::unique_ptr<boost::asio::ssl::context> authenticated_;
  absl::flat_hash_map<std::string, std::unique_ptr<SSL_SESSION, FreeSession>> sessions_;
};

}  // namespace verifyd

#endif  // VERIFYD_STREAM_TLS_CLIENT_H_
