#include "stream/tls_client.h"

#include <openssl/x509_vfy.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "boost/asio/ip/address.hpp"
#include "boost/asio/ssl/context.hpp"

namespace verifyd {
namespace {

namespace ssl = boost::asio::ssl;

bool IsName(const std::string& host) {
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  return static_cast<bool>(not_an_address);
}

// NOLINTNEXTLINE(google-runtime-int): the signature is OpenSSL's.
void FreeKey(void* /*parent*/, void* key, CRYPTO_EX_DATA* /*data*/, int /*index*/, long /*argl*/, void* /*argp*/) {
  delete static_cast<std::string*>(key);
}

// The index of the key under which a connection's session is kept.
int KeyIndex() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, FreeKey);
  return kIndex;
}

// The index of the client that keeps a context's sessions.
int ClientIndex() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

// The key holds the policy: a session verified under one policy is not verified under another.
std::string KeyOf(const std::string& host, const std::string& peer, const TlsPolicy& policy) {
  std::string key = absl::StrCat(host, " ", peer, " ", policy.server_name, " ", absl::StrJoin(policy.match, ":"));
  for (const TlsaRecord& record : policy.tlsa) {
    absl::StrAppend(&key, " ", record.usage, record.selector, record.matching, record.data);
  }
  return key;
}

}  // namespace

TlsClient::TlsClient(const TrustAnchors& anchors)
    : opportunistic_(std::make_unique<ssl::context>(ssl::context::tls_client)),
      authenticated_(std::make_unique<ssl::context>(ssl::context::tls_client)) {
  SetUp(*opportunistic_);
  SetUp(*authenticated_);
  // The old TLS of an old server is still better than none.
  opportunistic_->set_verify_mode(ssl::verify_none);
  SSL_CTX_set_min_proto_version(opportunistic_->native_handle(), TLS1_VERSION);
  SSL_CTX_set_security_level(opportunistic_->native_handle(), 0);
  SSL_CTX* const strict = authenticated_->native_handle();
  SSL_CTX_set_min_proto_version(strict, TLS1_2_VERSION);
  authenticated_->set_verify_mode(ssl::verify_peer);
  SSL_CTX_dane_enable(strict);
  const bool given = !anchors.file.empty() || !anchors.path.empty();
  const int loaded = given
                         ? SSL_CTX_load_verify_locations(strict, anchors.file.empty() ? nullptr : anchors.file.c_str(),
                                                         anchors.path.empty() ? nullptr : anchors.path.c_str())
                         : SSL_CTX_set_default_verify_paths(strict);
  if (loaded != 1) {
    LogWarning(absl::StrCat("smtp_tls_CAfile, smtp_tls_CApath: can not be read (", anchors.file, " ", anchors.path,
                            "): no certificate is believed where a CA must vouch for it"));
  }
}

TlsClient::~TlsClient() = default;

void TlsClient::SetUp(ssl::context& context) {
  SSL_CTX* const raw = context.native_handle();
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  // A server that hangs up without close_notify has sent all it wanted to send.
  SSL_CTX_set_options(raw, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_ex_data(raw, ClientIndex(), this);
  SSL_CTX_sess_set_new_cb(raw, KeepSession);
}

absl::Status TlsClient::Prepare(SSL* ssl, const std::string& host, const std::string& peer, const TlsPolicy& policy) {
  const std::string& name = policy.server_name.empty() ? host : policy.server_name;
  if (!policy.tlsa.empty()) {
    if (SSL_dane_enable(ssl, name.c_str()) <= 0) return absl::InternalError("DANE can not be set up");
    // RFC 7672 section 3.1.1: a certificate in DNS itself (DANE-EE) needs no name.
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    int usable = 0;
    for (const TlsaRecord& record : policy.tlsa) {
      const auto* const data = reinterpret_cast<const unsigned char*>(record.data.data());
      if (SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching, data, record.data.size()) > 0) {
        ++usable;
      }
    }
    if (usable == 0) return absl::PermissionDeniedError("none of the TLSA records can be used");
  } else if (policy.level == TlsLevel::kSecure) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    for (const std::string& match : policy.match) {
      if (SSL_add1_host(ssl, match.c_str()) != 1) return absl::InternalError("a name to match can not be set");
    }
  }
  if (policy.tlsa.empty() && IsName(name)) SSL_set_tlsext_host_name(ssl, name.c_str());
  auto key = std::make_unique<std::string>(KeyOf(host, peer, policy));
  if (const auto session = sessions_.find(*key); session != sessions_.end()) {
    SSL_set_session(ssl, session->second.get());
  }
  if (SSL_set_ex_data(ssl, KeyIndex(), key.get()) == 1) static_cast<void>(key.release());
  return absl::OkStatus();
}

int TlsClient::KeepSession(SSL* ssl, SSL_SESSION* session) {
  auto* const client = static_cast<TlsClient*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), ClientIndex()));
  const auto* const key = static_cast<const std::string*>(SSL_get_ex_data(ssl, KeyIndex()));
  if (client == nullptr || key == nullptr) return 0;
  if (client->sessions_.size() >= kMaxSessions && !client->sessions_.contains(*key)) {
    client->sessions_.erase(client->sessions_.begin());
  }
  client->sessions_[*key].reset(session);
  return 1;  // ours now
}

absl::Status TlsClient::WhyFailed(SSL* ssl, absl::Status otherwise) {
  const auto result = SSL_get_verify_result(ssl);
  if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE || result == X509_V_OK) return otherwise;
  return absl::PermissionDeniedError(X509_verify_cert_error_string(result));
}

}  // namespace verifyd
