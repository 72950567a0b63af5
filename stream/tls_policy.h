// How to speak to a server: in clear or in TLS, and which certificate it must have (smtp_tls_security_level;
// TLS_README; RFC 7672 for DANE, RFC 8461 for MTA-STS, which comes as `secure` with names).
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_STREAM_TLS_POLICY_H_
#define VERIFYD_STREAM_TLS_POLICY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mail/tlsa_record.h"

namespace verifyd {

enum class TlsLevel : uint8_t {
  kNone,
  kMay,       // where it is offered; in clear where it fails
  kEncrypt,   // always, or not at all
  kDane,      // as the TLSA records say, where there are any; else as kMay
  kDaneOnly,  // as the TLSA records say, or not at all
  kSecure,    // with a certificate of one of `match` that a CA vouches for, or not at all
};

std::optional<TlsLevel> TlsLevelFromName(absl::string_view name);  // "dane-only"; nothing: no level has this name
absl::string_view TlsLevelName(TlsLevel level);

struct TlsPolicy {
  TlsLevel level = TlsLevel::kMay;
  // kSecure: names that the certificate may have; ".example.com" stands for every name that ends with it; "nexthop" and
  // "hostname" as in smtp_tls_secure_cert_match.
  std::vector<std::string> match;
  // The name for SNI; empty: the host's name.
  std::string server_name;
  // kDane, kDaneOnly: the records that the certificate must match; usable ones only (DANE-TA, DANE-EE).
  std::vector<TlsaRecord> tlsa;

  bool required() const { return level != TlsLevel::kNone && level != TlsLevel::kMay; }
  bool authenticated() const { return level == TlsLevel::kSecure || !tlsa.empty(); }
  friend bool operator==(const TlsPolicy&, const TlsPolicy&) = default;

  // Parses a value of smtp_tls_policy_maps: "secure match=mx.example.com:.example.net servername=hostname". Attributes
  // that change nothing for us (protocols, ciphers, policy_...) are skipped. Errors say what was found and expected.
  static absl::StatusOr<TlsPolicy> Parse(absl::string_view text);
};

// Returns `policy` with the names of this host in place of "nexthop" and "hostname".
TlsPolicy ForHost(const TlsPolicy& policy, const std::string& next_hop, const std::string& host);

}  // namespace verifyd

#endif  // VERIFYD_STREAM_TLS_POLICY_H_
