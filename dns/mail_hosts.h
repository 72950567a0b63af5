// Finds the hosts that take mail for a domain: MX, implicit MX, null MX (RFC 5321 section 5.1, RFC 7505), with their
// addresses.
//
// Thread: the front loop only.
#ifndef VERIFYD_DNS_MAIL_HOSTS_H_
#define VERIFYD_DNS_MAIL_HOSTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "dns/resolver.h"

namespace verifyd {

enum class MailHostsStatus : uint8_t {
  kOk,            // at least one host with an address
  kNoSuchDomain,  // NXDOMAIN of the domain itself
  kNullMx,        // the only MX is "."; with other MX "." is ignored (malformed)
  kNoMailHost,    // no MX and no address
  kUnresolvable,  // MX hosts, but all definitely without address, or with names no host can have
  kTemporary,     // SERVFAIL, REFUSED, malformed, not asked: nothing is known. Also addresses, but none we may use
  kTimeout,
};

struct MailHost {
  std::string name;
  std::string address;
  uint16_t preference = 0;
};

struct MailHosts {
  MailHostsStatus status = MailHostsStatus::kTimeout;
  // By preference, equals in the order of the answer (the router shuffles). Every address of every host.
  std::vector<MailHost> hosts;
  bool implicit = false;
  // Sorted by preference, equals by name: the exchanges of the MX group, which name the destination; the domain itself
  // when implicit.
  std::vector<std::string> exchanges;
  // The least TTL of the answers that decided; zero if one of them did not say.
  absl::Duration ttl = absl::ZeroDuration();
  // For people: the question that failed and how: "MX of example.com: server failure".
  std::string explanation;
};

struct AddressFamilies {
  bool ipv4 = true;
  bool ipv6 = true;
};

// Asks for the MX of `domain`; for its own addresses when it has none. The addresses of the best 32 hosts are asked for
// at once. A host whose addresses are of a family we may not use exists all the same: before a host is said to have no
// address, the other family is asked for, too.
boost::asio::awaitable<MailHosts> LookUpMailHosts(Loop& loop, Resolver& resolver, std::string domain,
                                                  AddressFamilies families, MonoTime deadline,
                                                  DnsNeed need = DnsNeed::kOthers);
// Asks for the addresses of one host, no MX ("[relay.example.com]"); an IP address is its own answer.
boost::asio::awaitable<MailHosts> LookUpHost(Loop& loop, Resolver& resolver, std::string host, AddressFamilies families,
                                             MonoTime deadline, DnsNeed need = DnsNeed::kOthers);

}  // namespace verifyd

#endif  // VERIFYD_DNS_MAIL_HOSTS_H_
