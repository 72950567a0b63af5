#include "verifyd/doctor/smtp_examination.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "base/gather.h"
#include "base/network.h"
#include "base/text.h"
#include "dns/mail_hosts.h"
#include "mail/address.h"
#include "mail/finding.h"
#include "mail/probe_request.h"
#include "mail/probe_sender.h"
#include "probe/dialogue.h"
#include "probe/session.h"

namespace verifyd {
namespace {

constexpr size_t kMostMxAsked = 3;
constexpr absl::Duration kConnectPatience = absl::Seconds(10);

// The settings of probes, but hurried, never with DATA, and to ourselves, too.
std::shared_ptr<const ProbeSettings> DialogueSettings(const DoctorContext& context) {
  auto settings = std::make_shared<ProbeSettings>(*context.configuration.probe);
  settings->connect_timeout = std::min(settings->connect_timeout, kConnectPatience);
  settings->smtp_asks_data = false;
  settings->tls_level = std::min(settings->tls_level, TlsLevel::kMay);
  settings->smtp_tcp_port = 0;  // no server's: on the real port, one with our name would be a mail loop
  return settings;
}

struct Servers {
  // By preference, each with an endpoint of each IP version at most.
  std::vector<std::vector<Endpoint>> hosts;
  std::string why_none;
  bool definite = false;  // there is none for anybody
};

boost::asio::awaitable<Servers> ServersOf(const DoctorContext& context, std::string domain) {
  const ProbeSettings& settings = *context.configuration.probe;
  const MailHosts found =
      co_await LookUpMailHosts(context.loop, context.resolver, domain, settings.families, context.dns_deadline);
  Servers servers;
  servers.definite = found.status != MailHostsStatus::kTemporary && found.status != MailHostsStatus::kTimeout;
  servers.why_none = found.status == MailHostsStatus::kNullMx ? absl::StrCat(domain, " takes no mail (null MX)")
                     : found.explanation.empty()              ? absl::StrCat(domain, " has no mail server")
                                                              : found.explanation;
  for (const MailHost& host : found.hosts) {
    if (IsBogusAddress(host.address) && !settings.permit_networks.Contains(host.address)) {
      servers.why_none = absl::StrCat(host.name, "[", host.address, "] can not be reached from the Internet");
      continue;
    }
    Endpoint endpoint{.host = host.name, .address = host.address, .port = settings.smtp_tcp_port};
    endpoint.preference = host.preference;
    const bool ipv6 = absl::StrContains(host.address, ':');
    if (servers.hosts.empty() || servers.hosts.back().front().host != host.name) servers.hosts.emplace_back();
    std::vector<Endpoint>& endpoints = servers.hosts.back();
    if (absl::c_none_of(endpoints, [&](const Endpoint& e) { return absl::StrContains(e.address, ':') == ipv6; })) {
      endpoints.push_back(std::move(endpoint));
    }
  }
  co_return servers;
}

std::unique_ptr<Session> NewSession(const DoctorContext& context, std::vector<Endpoint> endpoints) {
  const auto first = [](const std::vector<std::string>& addresses) {
    return addresses.empty() ? std::string() : addresses.front();
  };
  const ProbeSettings& probe = *context.configuration.probe;
  // The null sender: servers that verify senders ask with it.
  const ProbeIdentity identity{.sender = "", .helo = context.configuration.verifier->helo, .source_address = ""};
  return std::make_unique<Session>(
      context.loop, std::move(endpoints), identity, DialogueSettings(context), context.configuration.classifier,
      SourceAddresses{.ipv4 = first(probe.bind_addresses), .ipv6 = first(probe.bind_addresses6)});
}

// Returns the forms of the probe sender that must be accepted now; unquoted for people, all different.
std::vector<Address> SendersAround(const DoctorContext& context) {
  const absl::Duration ttl = context.configuration.settings->Time("address_verify_sender_ttl");
  std::vector<Address> senders;
  for (const absl::Time when : {context.now, context.now - ttl, context.now + ttl}) {
    const absl::StatusOr<Address> sender = Address::Parse(context.configuration.verifier->probe_sender.At(when));
    if (sender.ok() && !absl::c_linear_search(senders, *sender)) senders.push_back(*sender);
  }
  return senders;
}

std::string SenderRemedy(const DoctorContext& context) {
  const Settings& settings = *context.configuration.settings;
  const absl::Duration ttl = settings.Time("address_verify_sender_ttl");
  std::string base = settings.Text("address_verify_sender");
  if (!absl::StrContains(base, '@')) absl::StrAppend(&base, "@", settings.Text("myorigin"));
  std::string remedy = absl::StrCat(
      "Let its servers accept the probe sender: who verifies senders refuses us else. In main.cf of Postfix there:\n",
      "  address_verify_sender = ", base);
  if (ttl > absl::ZeroDuration()) {
    absl::StrAppend(&remedy, "\n  address_verify_sender_ttl = ", FormatTimeValue(ttl),
                    "\nElsewhere an alias that accepts what matches, and drops it:\n  /^",
                    base.substr(0, base.rfind('@')), "[0-9B-DF-HJ-NP-TV-Z]*@", base.substr(base.rfind('@') + 1), "$/");
  } else {
    absl::StrAppend(&remedy, "\nElsewhere an alias that accepts it, and drops what comes.");
  }
  return remedy;
}

// Asks one host about all of them. False where it did not come to that; then `sender` says why.
boost::asio::awaitable<bool> AskHost(const DoctorContext& context, std::vector<Endpoint> endpoints,
                                     const std::vector<Address>& senders, Examination& sender) {
  const std::unique_ptr<Session> session = NewSession(context, std::move(endpoints));
  Dialogue dialogue(context.loop.clock(), /*wanted=*/false);
  const std::unique_ptr<Finding> closed = co_await session->Open(context.dialer, context.smtp_deadline, dialogue);
  if (closed != nullptr) sender.found = closed->text;
  size_t accepted = 0;
  std::unique_ptr<Finding> other;
  for (const Address& address : senders) {
    if (!session->ready()) break;
    Enquiry enquiry{.address = &address, .dialogue = &dialogue};
    co_await session->Ask(absl::MakeSpan(&enquiry, 1), context.smtp_deadline, [](Enquiry& /*answered*/) {});
    if (enquiry.finding == nullptr) continue;
    const bool accepts = enquiry.finding->code / 100 == 2;
    if (accepts) ++accepted;
    if (!accepts && (other == nullptr || enquiry.finding->deliverability == Deliverability::kUndeliverable)) {
      other = std::move(enquiry.finding);
    }
  }
  co_await session->Leave();
  if (closed != nullptr) co_return false;
  if (other != nullptr) {
    const bool refused = other->deliverability == Deliverability::kUndeliverable || other->code / 100 == 5;
    sender.health = refused ? Health::kBad : Health::kWarning;
    sender.found = absl::StrCat(refused ? "refused: " : "no definite answer: ", other->text);
    if (refused) sender.remedy = SenderRemedy(context);
    co_return true;
  }
  sender.found = absl::StrCat(session->endpoint().HostAndAddress(), " accepts ", senders.front().ToSmtp());
  if (accepted > 1) absl::StrAppend(&sender.found, " and what it is before and after that");
  co_return accepted == senders.size();
}

// One server that was tried.
struct Reached {
  enum class How : uint8_t { kGreeted, kTurnedAway, kTimeout, kFailed, kNoServer };
  std::string domain;
  How how = How::kNoServer;
  std::string said;
};

boost::asio::awaitable<Reached> Reach(const DoctorContext& context, std::string domain) {
  Servers servers = co_await ServersOf(context, domain);
  Reached reached{.domain = domain, .how = Reached::How::kNoServer, .said = servers.why_none};
  if (servers.hosts.empty()) co_return reached;
  reached.how = Reached::How::kFailed;
  const std::unique_ptr<Session> session = NewSession(context, std::move(servers.hosts.front()));
  Dialogue dialogue(context.loop.clock(), /*wanted=*/false);
  const std::unique_ptr<Finding> closed = co_await session->Open(context.dialer, context.smtp_deadline, dialogue);
  co_await session->Leave();
  reached.said = closed != nullptr ? closed->text : session->endpoint().HostAndAddress();
  if (closed == nullptr) {
    reached.how = Reached::How::kGreeted;
  } else if (closed->code != 0) {
    reached.how = Reached::How::kTurnedAway;
  } else if (closed->reason == Reason::kConnectTimeout) {
    reached.how = Reached::How::kTimeout;
  }
  co_return reached;
}

size_t CountHow(const std::vector<Reached>& all, Reached::How how) {
  return static_cast<size_t>(absl::c_count_if(all, [how](const Reached& reached) { return reached.how == how; }));
}

std::string AllSaid(const std::vector<Reached>& all) {
  return absl::StrJoin(all, "; ", [](std::string* out, const Reached& reached) {
    const absl::string_view how = reached.how == Reached::How::kGreeted      ? "reached "
                                  : reached.how == Reached::How::kTurnedAway ? "turned away: "
                                                                             : "not reached: ";
    absl::StrAppend(out, how, reached.said);
  });
}

}  // namespace

boost::asio::awaitable<Examinations> ExamineSender(const DoctorContext& context) {
  Examination sender = ExamineSenderDomain(context.configuration, context.now);
  const std::vector<Address> senders = SendersAround(context);
  if (sender.health != Health::kOk || senders.empty()) co_return Examinations{sender};
  const Servers servers = co_await ServersOf(context, senders.front().domain());
  sender.found = servers.why_none;
  for (size_t i = 0; i < std::min(servers.hosts.size(), kMostMxAsked); ++i) {
    const bool asked = co_await AskHost(context, servers.hosts[i], senders, sender);
    if (asked) co_return Examinations{sender};
  }
  sender.health = servers.hosts.empty() && !servers.definite ? Health::kWarning : Health::kBad;
  sender.remedy = absl::StrCat("Let ", senders.front().domain(),
                               " have a server that takes its mail, or set address_verify_sender to an address of a "
                               "domain that has: who verifies senders refuses us else.");
  co_return Examinations{sender};
}

boost::asio::awaitable<Examinations> ExaminePort25(const DoctorContext& context) {
  std::vector<std::string> domains = context.question.reach;
  const std::string own = SenderDomain(context.configuration, context.now);
  if (context.question.reach_own_domain && !own.empty()) domains.push_back(own);
  std::vector<boost::asio::awaitable<Reached>> tasks;
  tasks.reserve(domains.size());
  for (const std::string& domain : domains) tasks.push_back(Reach(context, domain));
  const std::vector<Reached> all = co_await Gather(context.loop, std::move(tasks));
  Examination port{.name = "port25", .found = AllSaid(all)};
  const size_t no_server = CountHow(all, Reached::How::kNoServer);
  const size_t failed = CountHow(all, Reached::How::kTimeout) + CountHow(all, Reached::How::kFailed);
  const size_t turned_away = CountHow(all, Reached::How::kTurnedAway);
  if (no_server == all.size()) {
    port.health = Health::kNotExamined;
    port.remedy = "Name a domain that has a mail server: verifyctl doctor --reach DOMAIN";
  } else if (failed + no_server == all.size()) {
    const bool blocked = CountHow(all, Reached::How::kTimeout) == failed;
    port.health = Health::kBad;
    port.found = absl::StrCat(blocked ? "port 25 is blocked here: " : "nobody could be reached: ", port.found);
    port.remedy =
        "Ask whoever connects this machine to open port 25 outwards, or probe through a relay "
        "(address_verify_relayhost).";
  } else if (turned_away > 0) {
    port.health = Health::kWarning;
    port.remedy = "What they say is why; see also dnsbl, ptr and helo.";
  } else if (failed + no_server > 0) {
    port.health = Health::kWarning;
  }
  co_return Examinations{port};
}

}  // namespace verifyd
