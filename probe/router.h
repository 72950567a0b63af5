// The router finds where an address is asked, as Postfix would route its own probe: by the plan of its route
// (probe/route_plan.h) and, where that leaves the next hop open, by the MX of the domain (or the address of a literal).
// It can also ask Postfix itself (address_verify_route_service).
//
// A table that can not be asked never means that there is no route. It is trouble of ours. So is a domain of the
// operator's, or a next hop that he has named, whose best MX is this machine. The finding says so (IsOwnTrouble), an
// alarm says what to mend, and no finding names a file, a socket or a host of ours. Any other domain whose best MX is
// this machine has a finding of its own, as with smtp(8), and no alarm: strangers make such domains.
//
// An MX that leads to a private, loopback or otherwise bogus address is not contacted, unless probe_permit_networks
// allows it or the operator configured the next hop himself.
//
// The route carries the TLS policies of its hosts, where smtp_tls_policy_maps or DANE give some.
//
// Thread: the front loop only.
#ifndef VERIFYD_PROBE_ROUTER_H_
#define VERIFYD_PROBE_ROUTER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "dns/mail_hosts.h"
#include "dns/resolver.h"
#include "mail/address.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"
#include "probe/alarms.h"
#include "probe/dialogue.h"
#include "probe/probe_settings.h"
#include "probe/proxymap.h"
#include "probe/route.h"
#include "probe/route_plan.h"
#include "probe/socketmap.h"
#include "stream/dialer.h"

namespace verifyd {

struct Routed {
  std::optional<Route> route;
  // Says why there is no route.
  Finding finding;
  std::shared_ptr<const DomainFact> domain_fact;  // null: nothing is known of the whole domain
  // The address to ask about instead, after rewriting.
  std::optional<Address> rewritten;
  // Not empty: the address is for Postfix's verify(8) at this path.
  std::string stock_verify;
  bool not_verifiable = false;  // SMTP can not ask about the address; `finding.text` says why
};

class Router {
 public:
  // All must outlive the router. `services` dials the servers of tables and routes.
  Router(Loop& loop, Resolver& resolver, Dialer& services, Alarms& alarms)
      : loop_(loop),
        resolver_(resolver),
        services_(services),
        alarms_(alarms),
        socketmaps_(loop, services),
        proxymap_(loop, services) {}

  // `sender` is the probe's; `need` is kOurs where the domain is the operator's own. The referenced values, and the
  // router, must live until it returns.
  boost::asio::awaitable<Routed> Find(const Address& address, const std::string& sender, const ProbeSettings& settings,
                                      MonoTime deadline, Dialogue& dialogue, DnsNeed need = DnsNeed::kOthers);

 private:
  boost::asio::awaitable<absl::StatusOr<RoutePlan>> PlanFor(const Address& address, const std::string& sender,
                                                            const ProbeSettings& settings, MonoTime deadline);
  boost::asio::awaitable<RemoteValue> AskServer(RemoteLookUp look_up, const std::string& sender,
                                                const ProbeSettings& settings, MonoTime deadline);
  boost::asio::awaitable<RemoteValue> FindTlsPolicy(std::vector<std::string> keys, const ProbeSettings& settings,
                                                    MonoTime deadline);
  Routed WithoutLookUp(const RoutePlan& plan, const ProbeSettings& settings);
  Routed Broken(const Address& address, const absl::Status& why, Dialogue& dialogue);
  Routed Temporary(absl::string_view text);
  boost::asio::awaitable<MailHosts> LookUp(const Address& address, const RoutePlan& plan, const ProbeSettings& settings,
                                           DnsNeed need, MonoTime deadline);
  boost::asio::awaitable<Routed> FindHosts(const Address& address, const RoutePlan& plan, const ProbeSettings& settings,
                                           DnsNeed need, MonoTime deadline, Dialogue& dialogue);
  boost::asio::awaitable<Routed> FindOne(const Address& address, const RoutePlan& plan, const ProbeSettings& settings,
                                         DnsNeed need, MonoTime deadline, Dialogue& dialogue);
  boost::asio::awaitable<Routed> FindAll(const Address& address, const RoutePlan& plan, const ProbeSettings& settings,
                                         DnsNeed need, MonoTime deadline, Dialogue& dialogue);
  boost::asio::awaitable<absl::Status> SetTlsPolicies(Route& route, const Address& address, const RoutePlan& plan,
                                                      const ProbeSettings& settings, DnsNeed need, MonoTime deadline);
  boost::asio::awaitable<bool> DnsIsDoubted(const Routed& routed, const ProbeSettings& settings, MonoTime deadline,
                                            DnsNeed need);
  Routed Parked(const Address& address, const std::string& exchange) const;
  Routed NoRoute(const Address& address, const RoutePlan& plan, const MailHosts& found);
  Routed OnlyBogusHosts(const Address& address, const MailHosts& found);
  Routed Loops(const Address& address, const RoutePlan& plan, const MailHosts& found, const MailHost& ourselves,
               DnsNeed need);
  std::optional<MailHost> CutAtOurselves(MailHosts& found, const ProbeSettings& settings) const;
  void Order(std::vector<MailHost>& hosts, const ProbeSettings& settings);
  static void SetTransport(const RoutePlan& plan, Route& route);
  Route MakeRoute(const RoutePlan& plan, MailHosts found, const ProbeSettings& settings);

  Loop& loop_;
  Resolver& resolver_;
  Dialer& services_;
  Alarms& alarms_;
  SocketmapClient socketmaps_;
  ProxymapClient proxymap_;
  absl::BitGen random_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ROUTER_H_
