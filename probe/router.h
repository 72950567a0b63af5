// The router: from an address to where it is asked, as Postfix would route its own probe: rewriting by
// recipient_canonical_maps and virtual_alias_maps; the transport of the domain's address class; in its place what
// address_verify_transport_maps says; address_verify_relayhost where that leaves the next hop open; else the MX of the
// domain (or the address of a literal). Or Postfix itself is asked (address_verify_route_service).
//
// A table that can not be asked makes a temporary finding: it never means that there is no route.
//
// An MX that leads to a private, loopback or otherwise bogus address is not contacted, unless probe_permit_networks
// allows it or the operator configured the next hop himself.
//
// With the route come the TLS policies of its hosts, where smtp_tls_policy_maps or DANE have something to say.
//
// Thread: the front loop only.
#ifndef VERIFYD_PROBE_ROUTER_H_
#define VERIFYD_PROBE_ROUTER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/random.h"
#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "dns/mail_hosts.h"
#include "dns/resolver.h"
#include "mail/address.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"
#include "probe/dialer.h"
#include "probe/probe_settings.h"
#include "probe/route.h"
#include "probe/socketmap.h"
#include "probe/transcript.h"

namespace verifyd {

struct Routed {
  std::optional<Route> route;
  // Where there is none: why not.
  Finding finding;
  std::shared_ptr<const DomainFact> domain_fact;  // null: nothing is known of all of them
  // What is asked about instead of the address, after rewriting.
  std::optional<Address> rewritten;
  // Not empty: the address is for Postfix's verify(8) at this path.
  std::string stock_verify;
  bool not_verifiable = false;  // SMTP can not ask about the address; `finding.text` says why
};

class Router {
 public:
  // Both must outlive it. `services` dials what tables and routes are asked from.
  Router(Loop& loop, Resolver& resolver, Dialer& services)
      : loop_(loop), resolver_(resolver), services_(services), socketmaps_(loop, services) {}

  // `sender` is the probe's, `need` for whom DNS is asked where the operator has not said where to ask. The referenced
  // values, and the router, must live until it returns.
  boost::asio::awaitable<Routed> Find(const Address& address, const std::string& sender, const ProbeSettings& settings,
                                      MonoTime deadline, Transcript& transcript, DnsNeed need = DnsNeed::kOthers);

 private:
  using Tables = std::vector<std::shared_ptr<const Table>>;
  struct Plan;
  struct Rewritten;

  boost::asio::awaitable<absl::StatusOr<std::optional<std::string>>> LookUpIn(
      const std::optional<SocketmapPlace>& remote, const Table* table, const std::string& key, MonoTime deadline);
  boost::asio::awaitable<absl::StatusOr<std::optional<std::string>>> LookUpAny(const Tables& tables,
                                                                               std::vector<std::string> keys,
                                                                               MonoTime deadline);
  boost::asio::awaitable<absl::StatusOr<std::optional<Transport>>> LookUpTransport(const Address& address,
                                                                                   const ProbeSettings& settings,
                                                                                   MonoTime deadline);
  boost::asio::awaitable<absl::StatusOr<Rewritten>> Rewrite(const Address& address, const ProbeSettings& settings,
                                                            MonoTime deadline);
  boost::asio::awaitable<absl::StatusOr<Plan>> PlanFor(const Address& address, const std::string& sender,
                                                       const ProbeSettings& settings, MonoTime deadline);
  boost::asio::awaitable<absl::StatusOr<NextHop>> RelayhostFor(const std::string& sender, const ProbeSettings& settings,
                                                               MonoTime deadline);
  Routed WithoutLookUp(const Plan& plan, const ProbeSettings& settings);
  Routed Temporary(absl::string_view text);
  boost::asio::awaitable<MailHosts> LookUp(const Address& address, const Plan& plan, const ProbeSettings& settings,
                                           MonoTime deadline);
  boost::asio::awaitable<Routed> FindHosts(const Address& address, const Plan& plan, const ProbeSettings& settings,
                                           MonoTime deadline, Transcript& transcript);
  boost::asio::awaitable<absl::Status> SetTlsPolicies(Route& route, const Address& address, const Plan& plan,
                                                      const ProbeSettings& settings, MonoTime deadline);
  boost::asio::awaitable<bool> DnsIsDoubted(const Routed& routed, const ProbeSettings& settings, MonoTime deadline,
                                            DnsNeed need);
  Routed NoRoute(const Address& address, const Plan& plan, const MailHosts& found);
  Routed OnlyBogusHosts(const Address& address, const MailHosts& found);
  bool CutAtOurselves(MailHosts& found, const ProbeSettings& settings) const;
  void Order(std::vector<MailHost>& hosts, const ProbeSettings& settings);
  static void SetTransport(const Plan& plan, Route& route);
  Route MakeRoute(const Plan& plan, MailHosts found, const ProbeSettings& settings);
  // Once an hour for each `about`.
  void WarnSeldom(const std::string& about, absl::string_view line);

  Loop& loop_;
  Resolver& resolver_;
  Dialer& services_;
  SocketmapClient socketmaps_;
  absl::BitGen random_;
  absl::flat_hash_map<std::string, MonoTime> warned_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ROUTER_H_
