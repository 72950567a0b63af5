#include "probe/router.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "base/network.h"
#include "base/text.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"
#include "probe/dane.h"
#include "probe/destination_settings.h"
#include "probe/route_service.h"
#include "probe/wording.h"

namespace verifyd {
namespace {

constexpr size_t kMaxAlarm = 600;

Event EventOf(MailHostsStatus status) {
  switch (status) {
    case MailHostsStatus::kNoSuchDomain:
      return Event::kNoSuchDomain;
    case MailHostsStatus::kNullMx:
      return Event::kNullMx;
    case MailHostsStatus::kNoMailHost:
      return Event::kNoMailHost;
    case MailHostsStatus::kUnresolvable:
      return Event::kMxUnresolvable;
    case MailHostsStatus::kTimeout:
      return Event::kDnsTimeout;
    case MailHostsStatus::kOk:
    case MailHostsStatus::kTemporary:
      break;
  }
  return Event::kDnsTemporary;
}

// A destination's name must fit where names are kept; two long names that begin alike stay apart.
std::string BoundedName(std::string name) {
  if (name.size() <= Route::kMaxDestination) return name;
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: the same in every run, unlike absl::Hash
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  const std::string tail = absl::StrCat("...", absl::Hex(hash, absl::kZeroPad16));
  name.resize(Route::kMaxDestination - tail.size());
  return name + tail;
}

std::string ConfiguredName(Protocol protocol, const NextHop& hop) {
  const std::string text = hop.ToString();
  if (protocol == Protocol::kLmtp) return absl::StrCat("lmtp:", text);
  return Route::IsConfiguredName(text) ? text : absl::StrCat(Route::kSmtpMark, text);
}

Finding DnsFinding(Event event, absl::string_view text, absl::Time now) {
  return ToFinding(Classifier::Classify(event, Stage::kDns), Stage::kDns, text, now);
}

// Returns whether the MX host takes mail for parked domains: such hosts accept every recipient, so their answers say
// nothing.
bool IsParked(const std::string& exchange) {
  constexpr absl::string_view kSuffixes[] = {".h-email.net", ".above.com", ".mb5p.com",       ".mb1p.com",
                                             ".m2bp.com",    ".m1bp.com",  ".sedoparking.com"};
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes), [&](absl::string_view suffix) {
    return absl::EndsWithIgnoreCase(absl::StrCat(".", exchange), suffix);
  });
}

// error:TEXT is the operator's own refusal; the reason is read from its words where they say one. It repeats no
// address.
Finding RefusalOf(const Transport& transport, absl::Time now) {
  const bool final_word = transport.kind == Transport::Kind::kError;
  const std::string text = transport.argument.empty() ? "mail for this address is not accepted" : transport.argument;
  Reply reply;
  reply.code = final_word ? 550 : 450;
  reply.lines = {text};
  reply.enhanced = EnhancedCode::TakeFrom(text);
  Reason reason = Classifier::BuiltIn()->Classify(Stage::kRcpt, reply, "", Marks{}).reason;
  if (final_word != (RowOf(reason).deliverability == Deliverability::kUndeliverable)) {
    reason = final_word ? Reason::kRecipientRefused : Reason::kMailboxTemporary;
  }
  Finding finding =
      ToFinding(ClassificationOf(reason, final_word ? "route.error" : "route.retry"), Stage::kRcpt, text, now);
  finding.enhanced = reply.enhanced;
  return finding;
}

// Postfix calls such an address deliverable without asking about those it stands for.
Routed Aliased(absl::Time now) {
  Routed routed;
  routed.finding = ToFinding(ClassificationOf(Reason::kAcceptedForward, "route.aliased"), Stage::kRcpt,
                             "aliased to multiple recipients", now);
  return routed;
}

}  // namespace

boost::asio::awaitable<absl::StatusOr<RoutePlan>> Router::PlanFor(const Address& address, const std::string& sender,
                                                                  const ProbeSettings& settings, MonoTime deadline) {
  std::vector<std::pair<RemoteLookUp, RemoteValue>> told;
  for (;;) {
    std::optional<RemoteLookUp> next;
    absl::StatusOr<RoutePlan> plan =
        PlanRoute(address, sender, settings, [&](const RemoteLookUp& look_up) -> RemoteValue {
          for (const auto& [asked, value] : told) {
            if (asked == look_up) return value;
          }
          next = look_up;
          return absl::UnavailableError("not asked yet");
        });
    if (!next.has_value()) co_return plan;
    RemoteValue value = co_await AskServer(*next, sender, settings, deadline);
    told.emplace_back(*std::move(next), std::move(value));
  }
}

boost::asio::awaitable<RemoteValue> Router::AskServer(RemoteLookUp look_up, const std::string& sender,
                                                      const ProbeSettings& settings, MonoTime deadline) {
  if (look_up.table == nullptr) {
    const absl::StatusOr<PostfixRoute> route =
        co_await AskRouteService(loop_, services_, settings.route_service, sender, look_up.key, deadline);
    if (!route.ok()) co_return route.status();
    co_return absl::StrCat(route->transport, ":", route->next_hop);
  }
  const RemoteTable& remote = *look_up.table->remote();
  RemoteValue value = std::nullopt;
  if (const auto* place = std::get_if<SocketmapPlace>(&remote); place != nullptr) {
    value = co_await socketmaps_.LookUp(*place, look_up.key, deadline);
  } else if (const auto* proxied = std::get_if<ProxiedTable>(&remote); proxied != nullptr) {
    value = co_await proxymap_.LookUp(settings.proxymap_service, proxied->name, look_up.key, deadline);
  } else {
    value = std::get<BrokenTable>(remote).why;
  }
  if (value.ok()) co_return value;
  co_return absl::Status(value.status().code(), absl::StrCat(look_up.table->spec(), ": ", value.status().message()));
}

// Asks the tables in order.
boost::asio::awaitable<RemoteValue> Router::FindTlsPolicy(std::vector<std::string> keys, const ProbeSettings& settings,
                                                          MonoTime deadline) {
  for (const std::string& key : keys) {
    for (const auto& table : settings.tls_policy_maps) {
      if (!table->remote().has_value()) {
        if (const auto value = table->Find(key); value.has_value()) co_return std::string(*value);
        continue;
      }
      RemoteValue value = co_await AskServer({.setting = "smtp_tls_policy_maps", .table = table.get(), .key = key}, "",
                                             settings, deadline);
      if (!value.ok() || value->has_value()) co_return value;
    }
  }
  co_return std::nullopt;
}

boost::asio::awaitable<MailHosts> Router::LookUp(const Address& address, const RoutePlan& plan,
                                                 const ProbeSettings& settings, DnsNeed need, MonoTime deadline) {
  if (!plan.configured && address.domain_is_literal()) {
    co_return co_await LookUpHost(loop_, resolver_, std::string(address.literal_ip()), settings.families, deadline,
                                  need);
  }
  if (plan.hop.by_mx) {
    co_return co_await LookUpMailHosts(loop_, resolver_, plan.name(), settings.families, deadline, need);
  }
  co_return co_await LookUpHost(loop_, resolver_, plan.name(), settings.families, deadline, need);
}

// Returns the result where the plan says all.
Routed Router::WithoutLookUp(const RoutePlan& plan, const ProbeSettings& settings) {
  Routed routed;
  if (plan.refusal.has_value()) {
    routed.finding = RefusalOf(*plan.refusal, loop_.clock().Now());
  } else if (!plan.not_verifiable.empty()) {
    routed.not_verifiable = true;
    routed.finding.text = Printable(
        absl::StrCat("transport ", plan.not_verifiable, ": is a delivery agent, the address can not be asked about"),
        Finding::kMaxText);
    routed.finding.when = loop_.clock().Now();
  } else if (!plan.stock_verify.empty()) {
    routed.stock_verify = plan.stock_verify;
  } else {
    Route route;
    route.configured = true;
    route.destination = BoundedName(absl::StrCat("lmtp:unix:", plan.path));
    Endpoint endpoint;
    endpoint.host = settings.myhostname;
    endpoint.path = plan.path;
    endpoint.protocol = plan.protocol;
    route.endpoints.push_back(std::move(endpoint));
    routed.route = std::move(route);
  }
  return routed;
}

Routed Router::Temporary(absl::string_view text) {
  Routed routed;
  routed.finding = DnsFinding(Event::kDnsTemporary, text, loop_.clock().Now());
  routed.finding.rule = "route.temporary";
  alarms_.Warn("route", absl::StrCat("an address could not be routed: ", routed.finding.text));
  return routed;
}

// The finding names only the setting: its text may reach strangers.
Routed Router::Broken(const Address& address, const absl::Status& why, Dialogue& dialogue) {
  const std::string what(why.message());
  const std::string setting = what.substr(0, what.find(':'));
  if (dialogue.wanted()) dialogue.Note(what);
  Routed routed;
  routed.finding =
      DnsFinding(Event::kRouteBroken,
                 Printable(absl::StrCat("the route of ", address.domain(), " is not known: trouble with ", setting),
                           Finding::kMaxText),
                 loop_.clock().Now());
  // Each table has an alarm of its own: "SETTING: TABLE: ...".
  const size_t behind_table = what.find(": ", setting.size() + 1);
  alarms_.Raise(what.substr(0, std::min(behind_table, kMaxAlarm)),
                absl::StrCat(Printable(what, kMaxAlarm),
                             "; addresses that it is needed for are neither verified nor put off until it can be "
                             "asked (verifyd.cf(5), TABLES, says how a table is made readable)"));
  return routed;
}

boost::asio::awaitable<Routed> Router::Find(const Address& given, const std::string& sender,
                                            const ProbeSettings& settings, MonoTime deadline, Dialogue& dialogue,
                                            DnsNeed need) {
  const absl::StatusOr<RoutePlan> planned = co_await PlanFor(given, sender, settings, deadline);
  if (!planned.ok()) co_return Broken(given, planned.status(), dialogue);
  const RoutePlan& plan = *planned;
  if (plan.several) co_return Aliased(loop_.clock().Now());
  if (!plan.not_an_address.empty()) {
    Routed routed;
    routed.not_verifiable = true;
    routed.finding.text = Printable(absl::StrCat("aliased to ", plan.not_an_address), Finding::kMaxText);
    routed.finding.when = loop_.clock().Now();
    co_return routed;
  }
  const Address& address = plan.address;
  const bool changed = address.Key() != given.Key();
  if (changed && dialogue.wanted()) dialogue.Note(absl::StrCat("aliased to ", address.Key()));
  if (plan.configured) need = DnsNeed::kOurs;
  const ProbeSettings& client = plan.special != nullptr ? *plan.special : settings;
  Routed routed;
  if (plan.refusal.has_value() || !plan.not_verifiable.empty() || !plan.stock_verify.empty() || !plan.path.empty()) {
    routed = WithoutLookUp(plan, client);
    if (routed.route.has_value()) SetTransport(plan, *routed.route);
  } else {
    routed = co_await FindAll(address, plan, client, need, deadline, dialogue);
  }
  if (changed) {
    routed.rewritten = address;
    routed.domain_fact.reset();  // it is about another domain than the one asked about
  }
  if (dialogue.wanted() && !routed.stock_verify.empty()) {
    dialogue.Note(absl::StrCat("asked of Postfix's verify(8) at ", routed.stock_verify));
  }
  if (dialogue.wanted() && routed.route.has_value()) {
    dialogue.Note(
        absl::StrCat(routed.route->configured ? "configured route: " : "public route: ", routed.route->destination));
    for (const Endpoint& endpoint : routed.route->endpoints) {
      dialogue.Note(absl::StrCat("may be asked: ", endpoint.preference, " ", endpoint.ToString()));
    }
  }
  co_return routed;
}

// Each of a list of next hops is a route of its own, with its TLS policy; the servers of all make one route.
boost::asio::awaitable<Routed> Router::FindAll(const Address& address, const RoutePlan& plan,
                                               const ProbeSettings& settings, DnsNeed need, MonoTime deadline,
                                               Dialogue& dialogue) {
  if (plan.hop.others.empty()) co_return co_await FindOne(address, plan, settings, need, deadline, dialogue);
  RoutePlan here = plan;
  here.hop.others.clear();
  Routed all = co_await FindOne(address, here, settings, need, deadline, dialogue);
  for (const NextHop& other : plan.hop.others) {
    here.hop = other;
    Routed more = co_await FindOne(address, here, settings, need, deadline, dialogue);
    if (!more.route.has_value()) continue;
    if (!all.route.has_value()) {
      all = std::move(more);
      continue;
    }
    std::vector<Endpoint>& endpoints = all.route->endpoints;
    const int behind = endpoints.back().preference + 1;
    for (Endpoint& endpoint : more.route->endpoints) {
      endpoint.preference = static_cast<uint16_t>(std::min(endpoint.preference + behind, int{UINT16_MAX}));
      endpoints.push_back(std::move(endpoint));
    }
  }
  if (all.route.has_value()) {
    all.route->destination = BoundedName(ConfiguredName(plan.protocol, plan.hop));
    SetTransport(plan, *all.route);
  }
  co_return all;
}

boost::asio::awaitable<Routed> Router::FindOne(const Address& address, const RoutePlan& plan,
                                               const ProbeSettings& settings, DnsNeed need, MonoTime deadline,
                                               Dialogue& dialogue) {
  Routed routed = co_await FindHosts(address, plan, settings, need, deadline, dialogue);
  if (!routed.route.has_value()) co_return routed;
  SetTransport(plan, *routed.route);
  const absl::Status policies = co_await SetTlsPolicies(*routed.route, address, plan, settings, need, deadline);
  if (absl::IsInvalidArgument(policies)) {
    routed.route.reset();
    routed.finding = DnsFinding(Event::kTlsPolicyFailed, policies.message(), loop_.clock().Now());
    alarms_.Warn("tls policy", absl::StrCat("smtp_tls_policy_maps: ", routed.finding.text));
  } else if (!policies.ok()) {
    routed = Broken(address, absl::Status(policies.code(), absl::StrCat("smtp_tls_policy_maps: ", policies.message())),
                    dialogue);
  }
  co_return routed;
}

Routed Router::Parked(const Address& address, const std::string& exchange) const {
  Routed routed;
  const std::string why =
      absl::StrCat("mail for ", address.domain(), " is handled by ", exchange, ", which takes mail for parked domains");
  routed.finding = DnsFinding(Event::kMxParked, Printable(why, Finding::kMaxText), loop_.clock().Now());
  routed.finding.mx_name = exchange;
  return routed;
}

boost::asio::awaitable<Routed> Router::FindHosts(const Address& address, const RoutePlan& plan,
                                                 const ProbeSettings& settings, DnsNeed need, MonoTime deadline,
                                                 Dialogue& dialogue) {
  MailHosts found = co_await LookUp(address, plan, settings, need, deadline);
  if (found.status != MailHostsStatus::kOk || found.hosts.empty()) {
    if (dialogue.wanted()) dialogue.Note(absl::StrCat("no mail host: ", found.explanation));
    Routed routed = NoRoute(address, plan, found);
    if (co_await DnsIsDoubted(routed, settings, deadline, need)) {
      co_return Temporary(absl::StrCat("DNS is not believed: dns_canary ", settings.dns_canary,
                                       " does not resolve, either; ", routed.finding.text));
    }
    co_return routed;
  }
  if (!plan.configured && !found.exchanges.empty() &&
      std::all_of(found.exchanges.begin(), found.exchanges.end(), IsParked)) {
    co_return Parked(address, found.exchanges.front());
  }
  if (!plan.configured) {
    const auto refused = [&](const MailHost& host) {
      return IsBogusAddress(host.address) && !settings.permit_networks.Contains(host.address);
    };
    if (std::all_of(found.hosts.begin(), found.hosts.end(), refused)) co_return OnlyBogusHosts(address, found);
    found.hosts.erase(std::remove_if(found.hosts.begin(), found.hosts.end(), refused), found.hosts.end());
  }
  Routed routed;
  if (plan.hop.by_mx) {
    const bool best_known = found.exchanges.empty() ||
                            std::any_of(found.hosts.begin(), found.hosts.end(),
                                        [&](const MailHost& host) { return host.name == found.exchanges.front(); });
    const std::optional<MailHost> ourselves = CutAtOurselves(found, settings);
    if (ourselves.has_value() && found.hosts.empty()) {
      if (best_known) co_return Loops(address, plan, found, *ourselves, need);
      co_return Temporary(absl::StrCat("unable to find primary relay for ", plan.name()));
    }
  }
  routed.route = MakeRoute(plan, std::move(found), settings);
  co_return routed;
}

// Looks for policies as smtp(8) does: by the next hop as it is written, without its port, and by the domain of the
// address where there is no other next hop.
boost::asio::awaitable<absl::Status> Router::SetTlsPolicies(Route& route, const Address& address, const RoutePlan& plan,
                                                            const ProbeSettings& settings, DnsNeed need,
                                                            MonoTime deadline) {
  if (!plan.path.empty()) co_return absl::OkStatus();  // a socket on this machine
  const std::shared_ptr<const ProbeSettings> special =
      settings.destinations == nullptr ? nullptr : settings.destinations->Find(route, address.domain());
  const TlsLevel level = special != nullptr ? special->tls_level : settings.tls_level;
  std::vector<std::string> keys;
  if (plan.configured) keys.push_back(plan.hop.ToString());
  keys.push_back(plan.name());
  const RemoteValue text = co_await FindTlsPolicy(std::move(keys), settings, deadline);
  if (!text.ok()) co_return absl::UnavailableError(text.status().message());
  if (!text->has_value() && level != TlsLevel::kDane && level != TlsLevel::kDaneOnly && level != TlsLevel::kSecure) {
    co_return absl::OkStatus();  // the level says all
  }
  const absl::StatusOr<TlsPolicy> policy = TlsPolicy::Parse(text->has_value() ? **text : TlsLevelName(level));
  if (!policy.ok()) co_return policy.status();
  const bool dane = policy->level == TlsLevel::kDane || policy->level == TlsLevel::kDaneOnly;
  // If the MX itself could be forged, so could the host whose records we would believe.
  bool signed_mx = dane && settings.dns_trust_ad;
  if (signed_mx && plan.hop.by_mx) {
    signed_mx = (co_await resolver_.Query(plan.name(), DnsType::kMx, deadline, need))->authenticated;
  }
  for (Endpoint& endpoint : route.endpoints) {
    TlsPolicy here = ForHost(*policy, plan.name(), endpoint.host);
    if (signed_mx) {
      here = co_await DanePolicyAt(resolver_, endpoint, std::move(here), deadline, need);
    } else if (policy->level == TlsLevel::kDane) {
      here.level = TlsLevel::kMay;
    }
    endpoint.tls = std::make_shared<const TlsPolicy>(std::move(here));
  }
  co_return absl::OkStatus();
}

// A dead or lying resolver says of everything that it does not exist. It would not invent that a domain wants no mail.
boost::asio::awaitable<bool> Router::DnsIsDoubted(const Routed& routed, const ProbeSettings& settings,
                                                  MonoTime deadline, DnsNeed need) {
  if (settings.dns_canary.empty() || routed.domain_fact == nullptr || routed.finding.reason == Reason::kDomainNullMx) {
    co_return false;
  }
  for (const DnsType type : {DnsType::kA, DnsType::kMx}) {
    const auto answer = co_await resolver_.QueryAnew(settings.dns_canary, type, deadline, need);
    if (answer->status == DnsStatus::kOk) co_return false;
  }
  co_return true;
}

// On the port of public mail, drops the hosts that are no better than ourselves, as smtp(8) does: they would send the
// mail to us. Returns the host that is ourselves, if there is one. No hosts may be left.
std::optional<MailHost> Router::CutAtOurselves(MailHosts& found, const ProbeSettings& settings) const {
  if (settings.smtp_tcp_port != 25) return std::nullopt;
  const auto ourselves = std::find_if(found.hosts.begin(), found.hosts.end(), [&](const MailHost& host) {
    return settings.own_addresses.Contains(host.address);
  });
  if (ourselves == found.hosts.end()) return std::nullopt;
  MailHost cut_at = *ourselves;  // the best: they are in order
  const auto no_better = [&](const MailHost& host) { return host.preference >= cut_at.preference; };
  found.hosts.erase(std::remove_if(found.hosts.begin(), found.hosts.end(), no_better), found.hosts.end());
  return cut_at;
}

// If the operator has said where to ask, or the domain is his, he has to mend it. Otherwise it is a fact about the
// domain, as with smtp(8).
Routed Router::Loops(const Address& address, const RoutePlan& plan, const MailHosts& found, const MailHost& ourselves,
                     DnsNeed need) {
  const bool ours = need == DnsNeed::kOurs;
  const std::string text =
      Printable(absl::StrCat("mail for ", address.domain(), " loops back to myself"), Finding::kMaxText);
  Routed routed;
  routed.finding = DnsFinding(ours ? Event::kMailLoopSelf : Event::kMxIsOurselves, text, loop_.clock().Now());
  if (!ours) {
    DomainFact fact;
    fact.domain = address.domain();
    fact.finding = routed.finding;
    fact.ttl = found.ttl;
    routed.domain_fact = std::make_shared<const DomainFact>(std::move(fact));
    return routed;
  }
  const std::string host = absl::StrCat(ourselves.name, "[", ourselves.address, "], which is this machine");
  const std::string line =
      plan.configured
          ? absl::StrCat(address.domain(), " is sent to ", plan.hop.ToString(), " by ", plan.setting, ", whose MX is ",
                         host, ": name its server there")
          : absl::StrCat(address.domain(), " is asked at its MX ", host,
                         ": give it a line in transport_maps; where Postfix has one, set postfix_config_directory");
  alarms_.Raise(
      absl::StrCat("loop ", address.domain()),
      absl::StrCat(Printable(line, kMaxAlarm), "; until then its addresses are not verified, and not put off"));
  return routed;
}

// Puts equals in random order, or one IP version before the other. Where there are more addresses than are tried, keeps
// a mix of both, so that a broken IPv6 does not use up all tries (smtp_balance_inet_protocols).
void Router::Order(std::vector<MailHost>& hosts, const ProbeSettings& settings) {
  const auto is_ipv6 = [](const MailHost& host) { return absl::StrContains(host.address, ':'); };
  std::shuffle(hosts.begin(), hosts.end(), random_);
  std::stable_sort(hosts.begin(), hosts.end(), [&](const MailHost& a, const MailHost& b) {
    if (a.preference != b.preference || settings.address_preference == AddressPreference::kAny) {
      return a.preference < b.preference;
    }
    return settings.address_preference == AddressPreference::kIpv6 ? is_ipv6(a) && !is_ipv6(b)
                                                                   : is_ipv6(b) && !is_ipv6(a);
  });
  const size_t limit = settings.mx_address_limit > 0 ? static_cast<size_t>(settings.mx_address_limit) : hosts.size();
  if (hosts.size() <= limit) return;
  if (settings.balance_families && limit > 1) {
    const auto ipv6 = static_cast<size_t>(std::count_if(hosts.begin(), hosts.end(), is_ipv6));
    const size_t ipv4 = hosts.size() - ipv6;
    // The scarcer one keeps up to half.
    const size_t scarce = std::min({ipv4, ipv6, limit / 2});
    size_t ipv6_left = ipv6 <= ipv4 ? scarce : limit - scarce;
    size_t ipv4_left = limit - ipv6_left;
    const auto superfluous = [&](const MailHost& host) {
      size_t& left = is_ipv6(host) ? ipv6_left : ipv4_left;
      if (left == 0) return true;
      --left;
      return false;
    };
    std::vector<MailHost> kept;
    kept.reserve(limit);
    for (MailHost& host : hosts) {
      if (!superfluous(host)) kept.push_back(std::move(host));
    }
    hosts = std::move(kept);
  }
  if (hosts.size() > limit) hosts.resize(limit);
}

Routed Router::NoRoute(const Address& address, const RoutePlan& plan, const MailHosts& found) {
  const Event event = EventOf(found.status);
  const std::string& name = plan.name();
  // NXDOMAIN is known from the first question; a name without MX was asked for addresses last.
  const bool mx_asked_last = plan.hop.by_mx && event != Event::kNoMailHost && event != Event::kMxUnresolvable;
  const std::string& asked =
      event == Event::kMxUnresolvable && !found.exchanges.empty() ? found.exchanges.back() : name;
  const std::string text = LookupWords(asked, mx_asked_last ? "MX" : "A", event);
  const absl::Time now = loop_.clock().Now();
  Routed routed;
  routed.finding = DnsFinding(event, text, now);
  if (!routed.finding.definite()) return routed;
  if (plan.configured) {
    // The operator's next hop is not there. That says nothing about the domain: Postfix defers, too.
    routed.finding = DnsFinding(Event::kDnsTemporary, text, now);
    routed.finding.mx_name = name;  // clients need not know this name
    alarms_.Warn(name, absl::StrCat("configured next hop ", plan.hop.ToString(), ": ", routed.finding.text));
    return routed;
  }
  DomainFact fact;
  fact.domain = address.domain();
  fact.finding = routed.finding;
  fact.ttl = found.ttl;
  routed.domain_fact = std::make_shared<const DomainFact>(std::move(fact));
  return routed;
}

Routed Router::OnlyBogusHosts(const Address& address, const MailHosts& found) {
  const MailHost& host = found.hosts.front();
  Routed routed;
  routed.finding = DnsFinding(Event::kMxBogon,
                              Printable(absl::StrCat("mail for ", address.domain(), " is handled by ", host.name, "[",
                                                     host.address, "], which is not a public address"),
                                        Finding::kMaxText),
                              loop_.clock().Now());
  routed.finding.mx_name = host.name;
  routed.finding.mx_address = host.address;
  // A domain that leads inside is most likely split DNS: a mistake to tell the operator, never a reason to refuse mail
  // or to remember something against the domain.
  alarms_.Warn(address.domain(),
               absl::StrCat(routed.finding.text,
                            "; not probed: give it a route in address_verify_transport_maps, or name the network in "
                            "probe_permit_networks"));
  return routed;
}

// A transport with settings of its own gets a destination of its own.
void Router::SetTransport(const RoutePlan& plan, Route& route) {
  if (plan.special == nullptr) return;
  route.settings = plan.special;
  route.transport = plan.transport;
  if (plan.transport.empty()) return;
  route.destination = BoundedName(absl::StrCat(route.destination, Route::kTransportMark, plan.transport));
}

Route Router::MakeRoute(const RoutePlan& plan, MailHosts found, const ProbeSettings& settings) {
  Route route;
  route.configured = plan.configured;
  route.destination =
      BoundedName(plan.configured ? ConfiguredName(plan.protocol, plan.hop) : absl::StrJoin(found.exchanges, ","));
  Order(found.hosts, settings);
  route.endpoints.reserve(found.hosts.size());
  for (MailHost& host : found.hosts) {
    Endpoint endpoint;
    endpoint.host = std::move(host.name);
    endpoint.address = std::move(host.address);
    const uint16_t port = plan.protocol == Protocol::kLmtp ? settings.lmtp_tcp_port : settings.smtp_tcp_port;
    endpoint.port = plan.hop.port != 0 ? plan.hop.port : port;
    endpoint.protocol = plan.protocol;
    endpoint.preference = host.preference;
    route.endpoints.push_back(std::move(endpoint));
  }
  return route;
}

}  // namespace verifyd
