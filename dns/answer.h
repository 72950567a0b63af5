// A DNS answer, parsed by us from the wire (RFC 1035 section 4): the libraries' parsers drop the TTL, the AD bit and
// TLSA.
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_DNS_ANSWER_H_
#define VERIFYD_DNS_ANSWER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/tlsa_record.h"

namespace verifyd {

enum class DnsType : uint16_t { kA = 1, kCname = 5, kSoa = 6, kPtr = 12, kMx = 15, kTxt = 16, kAaaa = 28, kTlsa = 52 };

enum class DnsStatus : uint8_t {
  kOk,        // at least one record of the type asked for
  kNoData,    // the name exists, but not with this type
  kNxDomain,  // the name does not exist
  kServfail,
  kRefused,
  kMalformed,  // an answer that can not be parsed or says nothing (cut short, a referral), or another RCODE
  kTimeout,    // no answer in time, or the servers can not be reached
  kOverload,   // too many questions in flight; not asked
};

struct MxRecord {
  uint16_t preference = 0;
  // Lower case, no trailing dot; empty is the root: "." (null MX, RFC 7505). Octets that have no place in a name are
  // written \DDD, and so are dots within a label; see IsDomainName.
  std::string exchange;
  friend bool operator==(const MxRecord&, const MxRecord&) = default;
};

struct DnsAnswer {
  DnsStatus status = DnsStatus::kTimeout;
  // The records asked for, after CNAMEs within the answer (at most 10, loops are kMalformed).
  std::vector<MxRecord> mx;
  std::vector<std::string> addresses;  // "192.0.2.1", "2001:db8::1"
  std::vector<std::string> texts;
  std::vector<std::string> names;  // of PTR; written as MxRecord::exchange
  std::vector<TlsaRecord> tlsa;
  // The end of the CNAMEs; the name asked for when there were none. Lower case.
  std::string canonical_name;
  // How long the answer holds: the least TTL of the records used. For kNoData and kNxDomain the SOA says it (RFC 2308:
  // the lesser of its TTL and its minimum). Zero when nothing was said.
  absl::Duration ttl = absl::ZeroDuration();
  // The AD bit: the resolver says it has validated this (RFC 4035). Trust it as far as the resolver.
  bool authenticated = false;
  bool truncated = false;
};

absl::string_view DnsTypeName(DnsType type);        // "MX"
absl::string_view DnsStatusName(DnsStatus status);  // "no such name"

// Returns true if a host can have this name and it can be asked for: labels of 1 to 63 letters, digits, hyphens and
// underscores, at most 253 octets in all, no trailing dot.
bool IsDomainName(absl::string_view name);

// Parses one message that answers `name` and `type`. Never fails: a message that can not be parsed has status
// kMalformed. Bounded: at most 512 records are looked at; names are at most 255 octets, compression pointers go
// backwards only.
//
// A negative answer makes us refuse mail, so it is not believed when it was cut short, answers another question,
// contradicts itself (NXDOMAIN with the records asked for) or is a referral to other servers. A CNAME whose end has no
// record in the same message is kNoData: a recursive server would have put the record there.
DnsAnswer ParseDnsAnswer(absl::string_view message, absl::string_view name, DnsType type);

}  // namespace verifyd

#endif  // VERIFYD_DNS_ANSWER_H_
