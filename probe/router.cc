#include "probe/router.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "base/text.h"
#include "probe/network.h"
#include "probe/wording.h"
#include "verdict/classifier.h"

namespace verifyd {
namespace {

constexpr absl::Duration kWarnAgain = absl::Hours(1);
constexpr size_t kMaxWarned = 1000;

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

Finding DnsFinding(Event event, std::string text, absl::Time now) {
  Classification classified = Classifier::Classify(event, Stage::kDns);
  Finding finding;
  finding.deliverability = classified.deliverability;
  finding.reason = classified.reason;
  finding.scope = classified.scope;
  finding.stage = Stage::kDns;
  finding.rule = std::move(classified.rule);
  finding.text = std::move(text);
  finding.when = now;
  return finding;
}

}  // namespace

// Where to look, before DNS is asked.
struct Router::Plan {
  NextHop hop;
  bool configured = false;
  std::string not_verifiable;  // why, when SMTP can not ask

  // The name whose mail hosts are looked for.
  const std::string& name(const Address& address) const { return configured ? hop.host : address.domain(); }
};

Router::Plan Router::PlanFor(const Address& address, const ProbeSettings& settings) {
  Plan plan;
  for (const auto& table : settings.transport_maps) {
    const std::optional<Transport> transport = table->Find(address);
    if (!transport.has_value()) continue;
    if (!transport->by_smtp()) {
      plan.not_verifiable =
          Printable(absl::StrCat("transport ", transport->name, ": is not SMTP, the address can not be asked about"),
                    Finding::kMaxText);
      return plan;
    }
    plan.hop = transport->next_hop;
    plan.configured = plan.hop.given();
    // "smtp:" without a next hop means the MX of the domain, whatever the relayhost; ":" changes nothing.
    if (plan.configured || !transport->name.empty()) return plan;
    break;
  }
  plan.hop = settings.relayhost;
  plan.configured = plan.hop.given();
  return plan;
}

boost::asio::awaitable<MailHosts> Router::LookUp(const Address& address, const Plan& plan,
                                                 const ProbeSettings& settings, MonoTime deadline) {
  if (!plan.configured && address.domain_is_literal()) {
    co_return co_await LookUpHost(resolver_, std::string(address.literal_ip()), settings.families, deadline);
  }
  if (plan.hop.by_mx) {
    co_return co_await LookUpMailHosts(resolver_, plan.name(address), settings.families, deadline);
  }
  co_return co_await LookUpHost(resolver_, plan.name(address), settings.families, deadline);
}

boost::asio::awaitable<Routed> Router::Find(const Address& address, const ProbeSettings& settings, MonoTime deadline,
                                            Transcript& transcript) {
  const Plan plan = PlanFor(address, settings);
  if (!plan.not_verifiable.empty()) {
    Routed routed;
    routed.not_verifiable = true;
    routed.finding.text = plan.not_verifiable;
    routed.finding.when = loop_.clock().Now();
    co_return routed;
  }
  MailHosts found = co_await LookUp(address, plan, settings, deadline);
  if (found.status != MailHostsStatus::kOk || found.hosts.empty()) {
    if (transcript.wanted()) transcript.Note(absl::StrCat("no mail host: ", found.explanation));
    co_return NoRoute(address, plan, found);
  }
  if (!plan.configured) {
    const auto refused = [&](const MailHost& host) {
      return IsBogusAddress(host.address) && !settings.permit_networks.Contains(host.address);
    };
    if (std::all_of(found.hosts.begin(), found.hosts.end(), refused)) co_return OnlyBogusHosts(address, found);
    found.hosts.erase(std::remove_if(found.hosts.begin(), found.hosts.end(), refused), found.hosts.end());
  }
  Routed routed;
  routed.route = MakeRoute(plan, std::move(found), settings);
  if (transcript.wanted()) {
    transcript.Note(absl::StrCat(plan.configured ? "configured route: " : "public route: ", routed.route->destination));
    for (const Endpoint& endpoint : routed.route->endpoints) {
      transcript.Note(absl::StrCat("may be asked: ", endpoint.preference, " ", endpoint.ToString()));
    }
  }
  co_return routed;
}

Routed Router::NoRoute(const Address& address, const Plan& plan, const MailHosts& found) {
  const Event event = EventOf(found.status);
  const std::string& name = plan.name(address);
  // NXDOMAIN is known from the first question; what has no MX was asked for addresses last.
  const bool mx_asked_last = plan.hop.by_mx && event != Event::kNoMailHost && event != Event::kMxUnresolvable;
  const std::string& asked =
      event == Event::kMxUnresolvable && !found.exchanges.empty() ? found.exchanges.back() : name;
  std::string text = LookupWords(asked, mx_asked_last ? "MX" : "A", event);
  const absl::Time now = loop_.clock().Now();
  Routed routed;
  routed.finding = DnsFinding(event, std::move(text), now);
  if (!routed.finding.definite()) return routed;
  if (plan.configured) {
    // The operator's next hop is not there. That says nothing about the domain: Postfix defers, too.
    const Classification temporary = Classifier::Classify(Event::kDnsTemporary, Stage::kDns);
    routed.finding.deliverability = temporary.deliverability;
    routed.finding.reason = temporary.reason;
    routed.finding.scope = temporary.scope;
    routed.finding.rule = temporary.rule;
    WarnSeldom(name, absl::StrCat("configured next hop ", plan.hop.ToString(), ": ", routed.finding.text));
    return routed;
  }
  DomainFact fact;
  fact.domain = address.domain();
  fact.finding = routed.finding;
  fact.ttl = found.ttl;
  routed.domain_fact = std::move(fact);
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
  route.destination = BoundedName(plan.configured ? plan.hop.ToString() : absl::StrJoin(found.exchanges, ","));
  std::shuffle(found.hosts.begin(), found.hosts.end(), random_);
  std::stable_sort(found.hosts.begin(), found.hosts.end(),
                   [](const MailHost& a, const MailHost& b) { return a.preference < b.preference; });
  const size_t limit = settings.mx_address_limit > 0 ? settings.mx_address_limit : found.hosts.size();
  if (found.hosts.size() > limit) found.hosts.resize(limit);
  route.endpoints.reserve(found.hosts.size());
  for (MailHost& host : found.hosts) {
    Endpoint endpoint;
    endpoint.host = std::move(host.name);
    endpoint.address = std::move(host.address);
    endpoint.port = plan.hop.port != 0 ? plan.hop.port : settings.smtp_tcp_port;
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
