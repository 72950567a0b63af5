// The router: from an address to where it is asked. In this order: address_verify_transport_maps, then
// address_verify_relayhost, then the MX of the domain (or the address of a literal).
//
// An MX that leads to a private, loopback or otherwise bogus address is not contacted, unless probe_permit_networks
// allows it or the operator configured the next hop himself.
//
// Thread: the front loop only.
#ifndef VERIFYD_PROBE_ROUTER_H_
#define VERIFYD_PROBE_ROUTER_H_

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
#include "probe/probe_settings.h"
#include "probe/route.h"
#include "probe/transcript.h"

namespace verifyd {

struct Routed {
  std::optional<Route> route;
  // Where there is none: why not.
  Finding finding;
  std::optional<DomainFact> domain_fact;
  bool not_verifiable = false;  // SMTP can not ask about the address; `finding.text` says why
};

class Router {
 public:
  // `resolver` must outlive it.
  Router(Loop& loop, Resolver& resolver) : loop_(loop), resolver_(resolver) {}

  // The referenced values, and the router, must live until it returns.
  boost::asio::awaitable<Routed> Find(const Address& address, const ProbeSettings& settings, MonoTime deadline,
                                      Transcript& transcript);

 private:
  struct Plan;
  static Plan PlanFor(const Address& address, const ProbeSettings& settings);
  boost::asio::awaitable<MailHosts> LookUp(const Address& address, const Plan& plan, const ProbeSettings& settings,
                                           MonoTime deadline);
  Routed NoRoute(const Address& address, const Plan& plan, const MailHosts& found);
  Routed OnlyBogusHosts(const Address& address, const MailHosts& found);
  Route MakeRoute(const Plan& plan, MailHosts found, const ProbeSettings& settings);
  // Once an hour for each `about`.
  void WarnSeldom(const std::string& about, absl::string_view line);

  Loop& loop_;
  Resolver& resolver_;
  absl::BitGen random_;
  absl::flat_hash_map<std::string, MonoTime> warned_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ROUTER_H_
