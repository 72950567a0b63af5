// Tables in the format of transport(5): which transport and next hop an address is probed by.
//
// Thread: any (immutable once loaded).
#ifndef VERIFYD_PROBE_TRANSPORT_TABLE_H_
#define VERIFYD_PROBE_TRANSPORT_TABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mail/address.h"
#include "probe/table.h"

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

// The right-hand side of transport(5): "smtp:[host]:port", "lmtp:unix:/path", "error:5.1.1 gone", ...
struct Transport {
  enum class Kind : uint8_t {
    kSmtp,    // probe_smtp_transports, or no name: the transport is not changed
    kLmtp,    // lmtp:unix:PATH, lmtp:inet:HOST:PORT, lmtp:HOST
    kError,   // refuses, with `argument` for the reason
    kRetry,   // defers, likewise
    kVerify,  // verify:unix:PATH: Postfix's verify(8) there is asked
    kOther,   // a delivery agent that can not be asked
  };
  Kind kind = Kind::kSmtp;
  std::string name;      // "smtp", "relay", "local", ...; empty: unchanged
  std::string argument;  // behind the colon, as it stands
  NextHop next_hop;      // kSmtp and kLmtp by TCP
  std::string path;      // kLmtp and kVerify by UNIX socket; may be relative to Postfix's queue directory
  // Found by "*", which says nothing of the domain.
  bool by_wildcard = false;

  // "NAME" alone is accepted where `colon_needed` is not set, as in local_transport and its like. Errors say what was
  // expected.
  static absl::StatusOr<Transport> Parse(absl::string_view text, const std::vector<std::string>& smtp_names,
                                         bool colon_needed);
};

class TransportTable {
 public:
  // `spec` as for Table::Load; `smtp_names` are the transports that speak SMTP. Errors name file, line, what was found
  // and what was expected.
  static absl::StatusOr<std::shared_ptr<const TransportTable>> Load(absl::string_view spec,
                                                                    std::vector<std::string> smtp_names);
  // As Table::Broken.
  static std::shared_ptr<const TransportTable> Broken(absl::string_view spec, absl::Status why);
  static absl::StatusOr<std::shared_ptr<const TransportTable>> Parse(absl::string_view file_name,
                                                                     absl::string_view text);

  // The keys of transport(5) in their order: user+extension@domain, user@domain, domain, then ".parent" for each parent
  // domain, then *. `delimiters`: recipient_delimiter.
  static std::vector<std::string> KeysFor(const Address& address, absl::string_view delimiters = "");
  // Of a table that is text; case does not matter.
  std::optional<Transport> Find(const Address& address) const;
  // A value that a remote table gave for `key`.
  absl::StatusOr<Transport> ParseValue(absl::string_view key, absl::string_view value) const;
  const std::shared_ptr<const Table>& table() const { return table_; }
  size_t size() const { return table_->size(); }

 private:
  std::shared_ptr<const Table> table_;
  std::vector<std::string> smtp_names_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_TRANSPORT_TABLE_H_
