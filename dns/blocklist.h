// A DNS blocklist (reject_rbl_client in postconf(5), RFC 5782): a zone with a name for each client it lists.
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_DNS_BLOCKLIST_H_
#define VERIFYD_DNS_BLOCKLIST_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace verifyd {

struct Blocklist {
  std::string zone;
  // The values that an octet of a reply may have; empty: every reply lists.
  using Octet = std::vector<std::pair<uint8_t, uint8_t>>;
  std::vector<Octet> filter;

  // Parses "zone" or "zone=d.d.d.d", where d is a number or a list of numbers and ranges in brackets
  // ("127.0.0.[2;4..8]").
  static absl::StatusOr<Blocklist> Parse(absl::string_view text);
  // Returns true if a reply (an IPv4 address) says that the client is listed.
  bool Lists(absl::string_view reply) const;
  // Returns the name to ask for: the octets of an IPv4 client, or the nibbles of an IPv6 one, in reverse; empty where
  // `client_address` is neither.
  std::string NameOf(absl::string_view client_address) const;
};

}  // namespace verifyd

#endif  // VERIFYD_DNS_BLOCKLIST_H_
