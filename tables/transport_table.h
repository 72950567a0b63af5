// Tables in the format of transport(5): they say by which transport and next hop an address is probed.
//
// Thread: any (immutable once loaded).
#ifndef VERIFYD_TABLES_TRANSPORT_TABLE_H_
#define VERIFYD_TABLES_TRANSPORT_TABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mail/address.h"
#include "tables/table.h"

namespace verifyd {

// "host" (by MX), "[host]" or "[192.0.2.1]" (no MX), with ":port" or without. A bare IP address means itself, as in
// Postfix: by_mx is false.
struct NextHop {
  std::string host;  // lower case; an IPv6 address without brackets and "IPv6:"; empty: none was given
  bool by_mx = true;
  uint16_t port = 0;  // 0: smtp_tcp_port
  // The rest of a list, "[a]:587, [b]" (Postfix 3.5), in order: each is asked where those before it can not be reached.
  std::vector<NextHop> others;

  bool given() const { return !host.empty(); }
  // An empty text makes a next hop that is not given. A port is as of PortFromName.
  static absl::StatusOr<NextHop> Parse(absl::string_view text);
  // Takes a number, or the name of a service of mail: "smtp", "submission" ... (the names of services(5), which is not
  // read: a lookup of a route must not wait for a file). Nothing: it is neither.
  static std::optional<uint16_t> PortFromName(absl::string_view text);
  // Returns a text that Parse reads back as the same: "[192.0.2.1]:10025".
  std::string ToString() const;
  friend bool operator==(const NextHop&, const NextHop&) = default;
};

// The names of the transports whose servers can be asked: those of the programs smtp(8) and lmtp(8).
struct TransportNames {
  std::vector<std::string> smtp;
  std::vector<std::string> lmtp = {"lmtp"};
};

// The right-hand side of transport(5): "smtp:[host]:port", "lmtp:unix:/path", "error:5.1.1 gone", ...
struct Transport {
  enum class Kind : uint8_t {
    kSmtp,    // TransportNames::smtp, or no name: the transport is not changed
    kLmtp,    // TransportNames::lmtp: lmtp:unix:PATH, lmtp:inet:HOST:PORT, lmtp:HOST
    kError,   // refuses, with `argument` for the reason
    kRetry,   // defers, likewise
    kVerify,  // verify:unix:PATH: asks Postfix's verify(8) there
    kOther,   // a delivery agent that can not be asked
    kBroken,  // the value of Postfix's parameter is not understood, with `argument` for why
  };
  Kind kind = Kind::kSmtp;
  std::string name;      // "smtp", "relay", "local", ...; empty: unchanged
  std::string argument;  // after the colon, as written
  NextHop next_hop;      // kSmtp and kLmtp by TCP; not given: a relayhost, or the domain
  std::string path;      // kLmtp and kVerify by UNIX socket; may be relative to Postfix's queue directory
  // Found by "*", which does not name the domain.
  bool by_wildcard = false;

  // "NAME" alone is accepted where `colon_needed` is not set, as in local_transport and its like. Errors say what was
  // expected.
  static absl::StatusOr<Transport> Parse(absl::string_view text, const TransportNames& names, bool colon_needed);
};

class TransportTable {
 public:
  // `spec` as for Table::Load. Errors name file, line, what was found and what was expected. With `faults`, values that
  // are not understood are put there instead, each once, and ParseValue returns the error when one is looked up.
  static absl::StatusOr<std::shared_ptr<const TransportTable>> Load(absl::string_view spec, TransportNames names,
                                                                    std::vector<absl::Status>* faults = nullptr);
  // As Table::Broken.
  static std::shared_ptr<const TransportTable> Broken(absl::string_view spec, absl::Status why);
  static absl::StatusOr<std::shared_ptr<const TransportTable>> Parse(absl::string_view file_name,
                                                                     absl::string_view text);

  // Returns the keys of transport(5) in their order: user+extension@domain, user@domain, domain, then ".parent" for
  // each parent domain, then *. `delimiters`: recipient_delimiter.
  static std::vector<std::string> KeysFor(const Address& address, absl::string_view delimiters = "");
  // Looks in a table that is text; case does not matter. A value that is not understood is a kBroken transport.
  std::optional<Transport> Find(const Address& address) const;
  // Parses a value that a remote table gave for `key`.
  absl::StatusOr<Transport> ParseValue(absl::string_view key, absl::string_view value) const;
  const std::shared_ptr<const Table>& table() const { return table_; }
  size_t size() const { return table_->size(); }

 private:
  std::shared_ptr<const Table> table_;
  TransportNames names_;
};

}  // namespace verifyd

#endif  // VERIFYD_TABLES_TRANSPORT_TABLE_H_
