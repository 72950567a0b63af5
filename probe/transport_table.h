// Tables in the format of transport(5), from texthash: files: which transport and next hop a domain is probed by.
//
// Thread: any (immutable once loaded).
#ifndef VERIFYD_PROBE_TRANSPORT_TABLE_H_
#define VERIFYD_PROBE_TRANSPORT_TABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mail/address.h"

namespace verifyd {

// "host" (by MX), "[host]" or "[192.0.2.1]" (no MX), with ":port" or without. A bare IP address means itself, as in
// Postfix: by_mx is false.
struct NextHop {
  std::string host;  // lower case; an IPv6 address without brackets and "IPv6:"; empty: none was given
  bool by_mx = true;
  uint16_t port = 0;  // 0: smtp_tcp_port

  bool given() const { return !host.empty(); }
  // The empty text is a next hop that was not given. A port is a number, "smtp" or "submission".
  static absl::StatusOr<NextHop> Parse(absl::string_view text);
  // What Parse reads back as the same: "[192.0.2.1]:10025".
  std::string ToString() const;
  friend bool operator==(const NextHop&, const NextHop&) = default;
};

struct Transport {
  std::string name;  // "smtp", "relay", "local", ...; empty: unchanged
  // Behind the colon, where the transport is one that SMTP probes go by (smtp, relay, unchanged).
  NextHop next_hop;
  // Found by "*", which says nothing of the domain.
  bool by_wildcard = false;

  bool by_smtp() const { return name.empty() || name == "smtp" || name == "relay"; }
};

class TransportTable {
 public:
  // `spec` is "texthash:/path". Errors name file, line, what was found and what was expected.
  static absl::StatusOr<std::shared_ptr<const TransportTable>> Load(absl::string_view spec);
  // A pattern that stands twice counts as it stands first, as in Postfix; the second is logged.
  static absl::StatusOr<std::shared_ptr<const TransportTable>> Parse(absl::string_view file_name,
                                                                     absl::string_view text);

  // In the order of transport(5): user@domain, domain, then ".parent" for each parent domain, then *. Case does not
  // matter.
  std::optional<Transport> Find(const Address& address) const;
  size_t size() const { return entries_.size(); }

 private:
  absl::Status Add(absl::string_view line);

  absl::flat_hash_map<std::string, Transport> entries_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_TRANSPORT_TABLE_H_
