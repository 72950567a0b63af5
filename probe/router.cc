#include "probe/router.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "base/text.h"
#include "probe/dane.h"
#include "probe/destination_settings.h"
#include "probe/network.h"
#include "probe/route_service.h"
#include "probe/wording.h"
#include "verdict/classifier.h"
#include "verdict/reason.h"

namespace verifyd {
namespace {

constexpr absl::Duration kWarnAgain = absl::Hours(1);
constexpr size_t kMaxWarned = 1000;
// Aliases of aliases; Postfix stops at as many (virtual_alias_recursion_limit is higher, for wide expansions).
constexpr int kMaxAliasSteps = 100;

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

// What a destination is called must fit where names are kept; two long names that begin alike stay apart.
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

// MX hosts of those who park domains: they accept every recipient, so that asking them says nothing.
bool IsParked(const std::string& exchange) {
  constexpr absl::string_view kSuffixes[] = {".h-email.net", ".above.com", ".mb5p.com",       ".mb1p.com",
                                             ".m2bp.com",    ".m1bp.com",  ".sedoparking.com"};
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes), [&](absl::string_view suffix) {
    return absl::EndsWithIgnoreCase(absl::StrCat(".", exchange), suffix);
  });
}

std::string InQueueDirectory(const std::string& path, const ProbeSettings& settings) {
  return path.empty() || path.front() == '/' ? path : absl::StrCat(settings.queue_directory, "/", path);
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

// Where to look, before DNS is asked.
struct Router::Plan {
  NextHop hop;
  bool configured = false;
  DnsNeed need = DnsNeed::kOthers;
  Protocol protocol = Protocol::kSmtp;
  std::string path;                                        // of an LMTP server
  std::string stock_verify;                                // of Postfix's verify(8)
  std::string not_verifiable;                              // why, when nobody can be asked
  std::string transport;                                   // that wants something otherwise, and ...
  std::shared_ptr<const ProbeSettings> special = nullptr;  // ... what; null: nothing
  std::optional<Finding> refusal;                          // what the transport error: or retry: says

  // The name whose mail hosts are looked for.
  const std::string& name(const Address& address) const { return configured ? hop.host : address.domain(); }
};

// What the address has become, or that it stands for several.
struct Router::Rewritten {
  Address address;
  bool several = false;
  std::string not_an_address;  // a file, a command ...
};

// With one look-up for text and one for what is asked over a socket.
boost::asio::awaitable<absl::StatusOr<std::optional<std::string>>> Router::LookUpIn(
    const std::optional<SocketmapPlace>& remote, const Table* table, const std::string& key, MonoTime deadline) {
  if (remote.has_value()) co_return co_await socketmaps_.LookUp(*remote, key, deadline);
  const std::optional<absl::string_view> value = table != nullptr ? table->Find(key) : std::nullopt;
  if (!value.has_value()) co_return std::nullopt;
  co_return std::string(*value);
}

boost::asio::awaitable<absl::StatusOr<std::optional<std::string>>> Router::LookUpAny(const Tables& tables,
                                                                                     std::vector<std::string> keys,
                                                                                     MonoTime deadline) {
  for (const std::string& key : keys) {
    for (const auto& table : tables) {
      absl::StatusOr<std::optional<std::string>> value = co_await LookUpIn(table->remote(), table.get(), key, deadline);
      if (!value.ok() || value->has_value()) co_return value;
    }
  }
  co_return std::nullopt;
}

boost::asio::awaitable<absl::StatusOr<std::optional<Transport>>> Router::LookUpTransport(const Address& address,
                                                                                         const ProbeSettings& settings,
                                                                                         MonoTime deadline) {
  for (const std::string& key : TransportTable::KeysFor(address)) {
    for (const auto& table : settings.transport_maps) {
      const absl::StatusOr<std::optional<std::string>> value =
          co_await LookUpIn(table->remote(), table->text(), key, deadline);
      if (!value.ok()) co_return value.status();
      if (!value->has_value()) continue;
      absl::StatusOr<Transport> transport = table->ParseValue(key, **value);
      if (!transport.ok()) co_return transport.status();
      co_return *std::move(transport);
    }
  }
  co_return std::nullopt;
}

// cleanup(8) does the same to Postfix's own probes: canonical(5) once, then virtual(5) until nothing changes.
boost::asio::awaitable<absl::StatusOr<Router::Rewritten>> Router::Rewrite(const Address& address,
                                                                          const ProbeSettings& settings,
                                                                          MonoTime deadline) {
  Rewritten rewritten;
  rewritten.address = address;
  const bool aliases = !settings.virtual_alias_maps.empty();
  for (int step = settings.recipient_canonical_maps.empty() ? 1 : 0; step <= (aliases ? kMaxAliasSteps : 0); ++step) {
    const Address& now = rewritten.address;
    std::vector<std::string> keys = {now.Key()};
    if (settings.mydestination.ContainsExactly(now.domain()) || now.domain() == settings.myorigin) {
      keys.push_back(now.local());
    }
    keys.push_back(absl::StrCat("@", now.domain()));
    const absl::StatusOr<std::optional<std::string>> value = co_await LookUpAny(
        step == 0 ? settings.recipient_canonical_maps : settings.virtual_alias_maps, std::move(keys), deadline);
    if (!value.ok()) co_return value.status();
    if (!value->has_value()) {
      if (step == 0) continue;
      break;
    }
    const std::vector<absl::string_view> targets = SplitList(**value);
    if (targets.size() != 1) {
      rewritten.several = targets.size() > 1;
      break;
    }
    std::string target(targets.front());
    if (target.front() == '@') target = absl::StrCat(now.local(), target);
    if (!absl::StrContains(target, '@')) absl::StrAppend(&target, "@", settings.myorigin);
    absl::StatusOr<Address> parsed = Address::FromUnquoted(target);
    if (!parsed.ok()) {
      rewritten.not_an_address = target;
      break;
    }
    if (parsed->Key() == now.Key()) {
      if (step == 0) continue;
      break;
    }
    rewritten.address = *std::move(parsed);
  }
  co_return rewritten;
}

boost::asio::awaitable<absl::StatusOr<NextHop>> Router::RelayhostFor(const std::string& sender,
                                                                     const ProbeSettings& settings, MonoTime deadline) {
  if (!settings.relayhost_maps.empty() && !sender.empty()) {
    const size_t at = sender.rfind('@');
    std::vector<std::string> keys = {sender};
    if (at != std::string::npos) keys.push_back(sender.substr(at));
    const absl::StatusOr<std::optional<std::string>> value =
        co_await LookUpAny(settings.relayhost_maps, std::move(keys), deadline);
    if (!value.ok()) co_return value.status();
    if (value->has_value()) co_return NextHop::Parse(**value);
  }
  co_return settings.relayhost;
}

boost::asio::awaitable<absl::StatusOr<Router::Plan>> Router::PlanFor(const Address& address, const std::string& sender,
                                                                     const ProbeSettings& settings, MonoTime deadline) {
  Transport transport = settings.default_transport;
  bool off_host = true;  // a relayhost counts
  if (!settings.route_service.empty()) {
    const absl::StatusOr<PostfixRoute> route =
        co_await AskRouteService(loop_, services_, settings.route_service, sender, address, deadline);
    if (!route.ok()) co_return route.status();
    // The next hop of a domain that is not routed is the domain.
    const bool by_domain = absl::EqualsIgnoreCase(route->next_hop, address.domain());
    absl::StatusOr<Transport> parsed =
        Transport::Parse(absl::StrCat(route->transport, ":", by_domain ? "" : route->next_hop),
                         settings.transport_names, /*colon_needed=*/true);
    if (!parsed.ok()) co_return parsed.status();
    transport = *std::move(parsed);
    off_host = false;
  } else {
    const std::string& domain = address.domain();
    const bool ours = address.domain_is_literal() && settings.own_addresses.Contains(address.literal_ip());
    if (ours || settings.mydestination.ContainsExactly(domain)) {
      transport = settings.local_transport;
      off_host = false;
    } else if (settings.virtual_alias_domains.ContainsExactly(domain)) {
      transport = Transport();
      transport.kind = Transport::Kind::kError;
      transport.argument = "5.1.1 User unknown in virtual alias table";
    } else if (settings.virtual_mailbox_domains.ContainsExactly(domain)) {
      transport = settings.virtual_transport;
      off_host = false;
    } else if (settings.relay_domains.Contains(address)) {
      transport = settings.relay_transport;
    }
    absl::StatusOr<std::optional<Transport>> routed = co_await LookUpTransport(address, settings, deadline);
    if (!routed.ok()) co_return routed.status();
    if (routed->has_value()) {
      Transport& said = **routed;
      if (!said.name.empty()) {
        // "smtp:" without a next hop means the MX of the domain, whatever the relayhost.
        off_host = false;
        transport = std::move(said);
      } else if (said.next_hop.given()) {
        // Only the next hop is said; ":" says nothing.
        transport.next_hop = std::move(said.next_hop);
      }
    }
  }
  Plan plan;
  if (const auto special = settings.transports.find(transport.name); special != settings.transports.end()) {
    plan.transport = transport.name;
    plan.special = special->second;
  }
  switch (transport.kind) {
    case Transport::Kind::kSmtp:
      plan.hop = std::move(transport.next_hop);
      if (!plan.hop.given() && off_host) {
        absl::StatusOr<NextHop> relayhost = co_await RelayhostFor(sender, settings, deadline);
        if (!relayhost.ok()) co_return relayhost.status();
        plan.hop = *std::move(relayhost);
      }
      plan.configured = plan.hop.given();
      break;
    case Transport::Kind::kLmtp:
      plan.hop = std::move(transport.next_hop);
      plan.path = InQueueDirectory(transport.path, settings);
      plan.protocol = Protocol::kLmtp;
      plan.configured = true;
      break;
    case Transport::Kind::kVerify:
      plan.stock_verify = InQueueDirectory(transport.path, settings);
      break;
    case Transport::Kind::kError:
    case Transport::Kind::kRetry:
      plan.refusal = RefusalOf(transport, loop_.clock().Now());
      break;
    case Transport::Kind::kOther:
      plan.not_verifiable = Printable(
          absl::StrCat("transport ", transport.name, ": is a delivery agent, the address can not be asked about"),
          Finding::kMaxText);
      break;
  }
  co_return plan;
}

boost::asio::awaitable<MailHosts> Router::LookUp(const Address& address, const Plan& plan,
                                                 const ProbeSettings& settings, MonoTime deadline) {
  if (!plan.configured && address.domain_is_literal()) {
    co_return co_await LookUpHost(resolver_, std::string(address.literal_ip()), settings.families, deadline, plan.need);
  }
  if (plan.hop.by_mx) {
    co_return co_await LookUpMailHosts(resolver_, plan.name(address), settings.families, deadline, plan.need);
  }
  co_return co_await LookUpHost(resolver_, plan.name(address), settings.families, deadline, plan.need);
}

// Where the plan says all.
Routed Router::WithoutLookUp(const Plan& plan, const ProbeSettings& settings) {
  Routed routed;
  if (plan.refusal.has_value()) {
    routed.finding = *plan.refusal;
  } else if (!plan.not_verifiable.empty()) {
    routed.not_verifiable = true;
    routed.finding.text = plan.not_verifiable;
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
  WarnSeldom("route", absl::StrCat("an address could not be routed: ", routed.finding.text));
  return routed;
}

boost::asio::awaitable<Routed> Router::Find(const Address& given, const std::string& sender,
                                            const ProbeSettings& settings, MonoTime deadline, Transcript& transcript,
                                            DnsNeed need) {
  const absl::StatusOr<Rewritten> rewritten = co_await Rewrite(given, settings, deadline);
  if (!rewritten.ok()) co_return Temporary(rewritten.status().message());
  if (rewritten->several) co_return Aliased(loop_.clock().Now());
  if (!rewritten->not_an_address.empty()) {
    Routed routed;
    routed.not_verifiable = true;
    routed.finding.text = Printable(absl::StrCat("aliased to ", rewritten->not_an_address), Finding::kMaxText);
    routed.finding.when = loop_.clock().Now();
    co_return routed;
  }
  const Address& address = rewritten->address;
  const bool changed = address.Key() != given.Key();
  if (changed && transcript.wanted()) transcript.Note(absl::StrCat("aliased to ", address.Key()));
  absl::StatusOr<Plan> planned = co_await PlanFor(address, sender, settings, deadline);
  if (!planned.ok()) co_return Temporary(planned.status().message());
  planned->need = planned->configured ? DnsNeed::kOurs : need;
  const Plan& plan = *planned;
  const ProbeSettings& client = plan.special != nullptr ? *plan.special : settings;
  Routed routed;
  if (plan.refusal.has_value() || !plan.not_verifiable.empty() || !plan.stock_verify.empty() || !plan.path.empty()) {
    routed = WithoutLookUp(plan, client);
  } else {
    routed = co_await FindHosts(address, plan, client, deadline, transcript);
  }
  if (routed.route.has_value()) {
    SetTransport(plan, *routed.route);
    const absl::Status policies = co_await SetTlsPolicies(*routed.route, address, plan, client, deadline);
    if (!policies.ok()) {
      routed.route.reset();
      routed.finding = DnsFinding(Event::kTlsPolicyFailed, policies.message(), loop_.clock().Now());
      WarnSeldom("tls policy", absl::StrCat("smtp_tls_policy_maps: ", routed.finding.text));
    }
  }
  if (changed) {
    routed.rewritten = address;
    routed.domain_fact.reset();  // of another domain than the one that was asked about
  }
  if (transcript.wanted() && !routed.stock_verify.empty()) {
    transcript.Note(absl::StrCat("asked of Postfix's verify(8) at ", routed.stock_verify));
  }
  if (transcript.wanted() && routed.route.has_value()) {
    transcript.Note(
        absl::StrCat(routed.route->configured ? "configured route: " : "public route: ", routed.route->destination));
    for (const Endpoint& endpoint : routed.route->endpoints) {
      transcript.Note(absl::StrCat("may be asked: ", endpoint.preference, " ", endpoint.ToString()));
    }
  }
  co_return routed;
}

boost::asio::awaitable<Routed> Router::FindHosts(const Address& address, const Plan& plan,
                                                 const ProbeSettings& settings, MonoTime deadline,
                                                 Transcript& transcript) {
  MailHosts found = co_await LookUp(address, plan, settings, deadline);
  if (found.status != MailHostsStatus::kOk || found.hosts.empty()) {
    if (transcript.wanted()) transcript.Note(absl::StrCat("no mail host: ", found.explanation));
    Routed routed = NoRoute(address, plan, found);
    if (co_await DnsIsDoubted(routed, settings, deadline, plan.need)) {
      co_return Temporary(absl::StrCat("DNS is not believed: dns_canary ", settings.dns_canary,
                                       " does not resolve, either; ", routed.finding.text));
    }
    co_return routed;
  }
  if (!plan.configured && !found.exchanges.empty() &&
      std::all_of(found.exchanges.begin(), found.exchanges.end(), IsParked)) {
    Routed routed;
    routed.finding =
        DnsFinding(Event::kMxParked,
                   Printable(absl::StrCat("mail for ", address.domain(), " is handled by ", found.exchanges.front(),
                                          ", which takes mail for parked domains"),
                             Finding::kMaxText),
                   loop_.clock().Now());
    routed.finding.mx_name = found.exchanges.front();
    co_return routed;
  }
  if (!plan.configured) {
    const auto refused = [&](const MailHost& host) {
      return IsBogusAddress(host.address) && !settings.permit_networks.Contains(host.address);
    };
    if (std::all_of(found.hosts.begin(), found.hosts.end(), refused)) co_return OnlyBogusHosts(address, found);
    found.hosts.erase(std::remove_if(found.hosts.begin(), found.hosts.end(), refused), found.hosts.end());
  }
  Routed routed;
  if (plan.hop.by_mx && !CutAtOurselves(found, settings)) {
    routed.finding =
        DnsFinding(Event::kMailLoopSelf,
                   Printable(absl::StrCat("mail for ", address.domain(), " loops back to myself"), Finding::kMaxText),
                   loop_.clock().Now());
    WarnSeldom(address.domain(), absl::StrCat(routed.finding.text,
                                              ": its best MX is this machine; give it a route in "
                                              "address_verify_transport_maps"));
    co_return routed;
  }
  routed.route = MakeRoute(plan, std::move(found), settings);
  co_return routed;
}

// What asks as another has a place of its own.
void Router::SetTransport(const Plan& plan, Route& route) {
  if (plan.special == nullptr) return;
  route.settings = plan.special;
  route.destination =
      BoundedName(absl::StrCat(route.destination, std::string(1, Route::kTransportMark), plan.transport));
}

// As smtp(8) looks for policies: by the next hop as it is written, without its port, and by the domain of the address
// where there is no other next hop.
boost::asio::awaitable<absl::Status> Router::SetTlsPolicies(Route& route, const Address& address, const Plan& plan,
                                                            const ProbeSettings& settings, MonoTime deadline) {
  if (!plan.path.empty()) co_return absl::OkStatus();  // a socket on this machine
  const std::shared_ptr<const ProbeSettings> special =
      settings.destinations == nullptr ? nullptr : settings.destinations->Find(route, address.domain());
  const TlsLevel level = special != nullptr ? special->tls_level : settings.tls_level;
  std::vector<std::string> keys;
  if (plan.configured) keys.push_back(plan.hop.ToString());
  keys.push_back(plan.name(address));
  absl::StatusOr<std::optional<std::string>> text = co_await LookUpAny(settings.tls_policy_maps, keys, deadline);
  if (!text.ok()) co_return text.status();
  if (!text->has_value() && level != TlsLevel::kDane && level != TlsLevel::kDaneOnly && level != TlsLevel::kSecure) {
    co_return absl::OkStatus();  // the level says all
  }
  const absl::StatusOr<TlsPolicy> policy = TlsPolicy::Parse(text->has_value() ? **text : TlsLevelName(level));
  if (!policy.ok()) co_return policy.status();
  const bool dane = policy->level == TlsLevel::kDane || policy->level == TlsLevel::kDaneOnly;
  // Where the MX itself could have been forged, so could the host be whose records would be believed.
  bool signed_mx = dane && settings.dns_trust_ad;
  if (signed_mx && plan.hop.by_mx) {
    signed_mx = (co_await resolver_.Query(plan.name(address), DnsType::kMx, deadline, plan.need))->authenticated;
  }
  for (Endpoint& endpoint : route.endpoints) {
    TlsPolicy here = ForHost(*policy, plan.name(address), endpoint.host);
    if (signed_mx) {
      here = co_await DanePolicyAt(resolver_, endpoint, std::move(here), deadline, plan.need);
    } else if (policy->level == TlsLevel::kDane) {
      here.level = TlsLevel::kMay;
    }
    endpoint.tls = std::make_shared<const TlsPolicy>(std::move(here));
  }
  co_return absl::OkStatus();
}

// A dead or lying resolver says of everything that it does not exist. That a domain wants no mail it would not invent.
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

// As smtp(8), on the port of public mail: hosts that are no better than ourselves would send the mail to us. False:
// none is left.
bool Router::CutAtOurselves(MailHosts& found, const ProbeSettings& settings) const {
  if (settings.smtp_tcp_port != 25) return true;
  std::optional<uint16_t> ours;
  for (const MailHost& host : found.hosts) {
    if (settings.own_addresses.Contains(host.address)) ours = std::min(ours.value_or(UINT16_MAX), host.preference);
  }
  if (!ours.has_value()) return true;
  const auto no_better = [&](const MailHost& host) { return host.preference >= *ours; };
  found.hosts.erase(std::remove_if(found.hosts.begin(), found.hosts.end(), no_better), found.hosts.end());
  return !found.hosts.empty();
}

// Equals in random order, or one IP version before the other; where there are more addresses than are tried, a mix of
// both, so that a broken IPv6 does not use up all tries (smtp_balance_inet_protocols).
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

Routed Router::NoRoute(const Address& address, const Plan& plan, const MailHosts& found) {
  const Event event = EventOf(found.status);
  const std::string& name = plan.name(address);
  // NXDOMAIN is known from the first question; what has no MX was asked for addresses last.
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
    routed.finding.mx_name = name;  // whose name clients need not know
    WarnSeldom(name, absl::StrCat("configured next hop ", plan.hop.ToString(), ": ", routed.finding.text));
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
  // Only domains of ours are probed. Where one of them leads inside, it is most likely split DNS: a mistake to be told
  // to the operator, never a reason to refuse mail or to remember something against the domain.
  routed.finding.deliverability = Deliverability::kUnknown;
  WarnSeldom(address.domain(),
             absl::StrCat(routed.finding.text,
                          "; not probed: give it a route in address_verify_transport_maps, or name the network in "
                          "probe_permit_networks"));
  return routed;
}

Route Router::MakeRoute(const Plan& plan, MailHosts found, const ProbeSettings& settings) {
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

void Router::WarnSeldom(const std::string& about, absl::string_view line) {
  const MonoTime now = loop_.clock().Mono();
  if (warned_.size() >= kMaxWarned) {
    absl::erase_if(warned_, [&](const auto& entry) { return now - entry.second >= kWarnAgain; });
    // Still full: whoever makes thousands of domains misbehave does not fill our memory, and one line too few is fine.
    if (warned_.size() >= kMaxWarned && !warned_.contains(about)) return;
  }
  const auto [entry, first] = warned_.emplace(about, now);
  if (!first && now - entry->second < kWarnAgain) return;
  entry->second = now;
  LogWarning(line);
}

}  // namespace verifyd
