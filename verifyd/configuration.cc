#include "verifyd/configuration.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "probe/destination_settings.h"
#include "probe/network.h"
#include "probe/table.h"
#include "verdict/reason.h"
#include "verifyd/door/door_table.h"

namespace verifyd {
namespace {

absl::Status Bad(absl::string_view name, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat(name, ": ", status.message()));
}

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration can not stand in parentheses.
#define ASSIGN_OR_BLAME(declaration, name, expression)            \
  auto VERIFYD_CONCAT(blamed_, __LINE__) = (expression);          \
  if (!VERIFYD_CONCAT(blamed_, __LINE__).ok()) {                  \
    return Bad(name, VERIFYD_CONCAT(blamed_, __LINE__).status()); \
  }                                                               \
  declaration = *std::move(VERIFYD_CONCAT(blamed_, __LINE__))
// NOLINTEND(bugprone-macro-parentheses)

absl::StatusOr<std::shared_ptr<const Settings>> WithSystemHostName(const Settings& settings) {
  std::array<char, 256> name = {};
  gethostname(name.data(), name.size() - 1);
  auto with_name = std::make_shared<Settings>(settings);
  with_name->SetSystemHostName(name.data());
  if (!with_name->Text("myhostname").empty()) return with_name;
  return absl::InvalidArgumentError("myhostname: the system has no name; expected myhostname = NAME");
}

absl::Status FillCache(const Settings& settings, Configuration& configuration) {
  CacheSettings& cache = configuration.cache;
  const std::string map = settings.Text("address_verify_map");
  absl::string_view path = map;
  absl::ConsumePrefix(&path, "proxy:");
  if (map.empty()) {
    configuration.warnings.emplace_back("address_verify_map is empty: answers are kept in memory only");
  } else if (absl::ConsumePrefix(&path, "btree:")) {
    configuration.warnings.emplace_back(
        absl::StrCat("address_verify_map = ", map, ": a Postfix cache is left alone; answers are kept in lmdb:", path));
  } else if (!absl::ConsumePrefix(&path, "lmdb:") || path.empty() || path[0] != '/') {
    return Bad("address_verify_map", absl::InvalidArgumentError(absl::StrCat("found \"", Printable(map, 100),
                                                                             "\", expected lmdb:/PATH, or nothing")));
  }
  if (!map.empty()) {
    cache.path = std::string(path);
    cache.map_name = absl::StrCat("lmdb:", path);
  }
  cache.cleanup_interval = settings.Time("address_verify_cache_cleanup_interval");
  cache.bounds.entries = static_cast<uint64_t>(settings.Number("address_verify_cache_max_entries"));
  cache.bounds.bytes = static_cast<uint64_t>(settings.Number("address_verify_cache_max_size"));
  Lifetimes& lifetimes = cache.lifetimes;
  lifetimes.positive_expire = settings.Time("address_verify_positive_expire_time");
  lifetimes.positive_refresh = settings.Time("address_verify_positive_refresh_time");
  lifetimes.negative_expire = settings.Time("address_verify_negative_expire_time");
  lifetimes.negative_refresh = settings.Time("address_verify_negative_refresh_time");
  lifetimes.temporary_expire = settings.Time("address_verify_temporary_expire_time");
  lifetimes.temporary_refresh = settings.Time("address_verify_temporary_refresh_time");
  lifetimes.positive_short_expire = settings.Time("address_verify_positive_short_expire_time");
  lifetimes.positive_short_refresh = settings.Time("address_verify_positive_short_refresh_time");
  lifetimes.negative_short_expire = settings.Time("address_verify_negative_short_expire_time");
  lifetimes.negative_short_refresh = settings.Time("address_verify_negative_short_refresh_time");
  lifetimes.domain_positive = settings.Time("address_verify_domain_positive_expire_time");
  lifetimes.domain_short = settings.Time("address_verify_domain_short_expire_time");
  lifetimes.domain_negative_min = settings.Time("address_verify_domain_negative_min_time");
  lifetimes.domain_negative_max = settings.Time("address_verify_domain_negative_max_time");
  if (lifetimes.domain_negative_min > lifetimes.domain_negative_max) {
    return Bad("address_verify_domain_negative_min_time",
               absl::InvalidArgumentError("longer than address_verify_domain_negative_max_time"));
  }
  lifetimes.overturn = settings.Time("address_verify_overturn_time");
  lifetimes.stale = settings.Time("address_verify_stale_time");
  lifetimes.second_look = settings.Time("address_verify_second_look");
  lifetimes.grace = settings.Time("address_verify_grace_time");
  lifetimes.former_user = settings.Time("address_verify_former_user_time");
  lifetimes.max_defer = settings.Time("unverified_recipient_max_defer_time");
  for (const absl::string_view kind : {"positive", "negative", "positive_short", "negative_short", "temporary"}) {
    const std::string refresh = absl::StrCat("address_verify_", kind, "_refresh_time");
    const std::string expire = absl::StrCat("address_verify_", kind, "_expire_time");
    if (settings.Time(refresh) > settings.Time(expire)) {
      configuration.warnings.emplace_back(
          absl::StrCat(refresh, " is longer than ", expire, ": nothing is ever refreshed"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::shared_ptr<const Table>>> TablesOf(const Settings& settings, absl::string_view name) {
  std::vector<std::shared_ptr<const Table>> tables;
  for (const std::string& table : settings.List(name)) {
    ASSIGN_OR_BLAME(auto loaded, name, Table::Load(table));
    tables.push_back(std::move(loaded));
  }
  return tables;
}

absl::StatusOr<Transport> TransportOf(const Settings& settings, absl::string_view name, const ProbeSettings& probe) {
  ASSIGN_OR_BLAME(Transport transport, name,
                  Transport::Parse(settings.Text(name), probe.smtp_transports, /*colon_needed=*/false));
  return transport;
}

absl::StatusOr<DomainList> DomainsOf(const Settings& settings, absl::string_view name) {
  ASSIGN_OR_BLAME(DomainList domains, name, DomainList::Create(settings.List(name)));
  return domains;
}

// What this process may open, but for what doors and files need.
size_t SessionLimit(size_t wanted) {
  constexpr rlim_t kOthers = 1100;
  rlimit descriptors = {};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_max == RLIM_INFINITY) return wanted;
  return std::min<size_t>(
      wanted, descriptors.rlim_cur > 2 * kOthers ? descriptors.rlim_cur - kOthers : descriptors.rlim_cur / 2);
}

// inet_interfaces and proxy_interfaces; an interface that comes later is not seen until the next reload.
absl::StatusOr<NetworkList> OwnAddresses(const Settings& settings) {
  std::vector<std::string> addresses = settings.List("proxy_interfaces");
  for (const std::string& item : settings.List("inet_interfaces")) {
    if (item == "all") {
      const std::vector<std::string> all = InterfaceAddresses();
      addresses.insert(addresses.end(), all.begin(), all.end());
    } else if (item == "loopback-only" || item == "localhost") {
      addresses.insert(addresses.end(), {"127.0.0.1", "::1"});
    } else {
      addresses.push_back(item);
    }
  }
  ASSIGN_OR_BLAME(NetworkList own, "inet_interfaces, proxy_interfaces",
                  NetworkList::Parse(absl::StrJoin(addresses, " ")));
  return own;
}

absl::Status FillRoutes(const Settings& settings, ProbeSettings& probe) {
  probe.smtp_transports = settings.List("probe_smtp_transports");
  for (const std::string& table : settings.List("address_verify_transport_maps")) {
    ASSIGN_OR_BLAME(auto loaded, "address_verify_transport_maps", TransportTable::Load(table, probe.smtp_transports));
    probe.transport_maps.push_back(std::move(loaded));
  }
  ASSIGN_OR_RETURN(probe.recipient_canonical_maps, TablesOf(settings, "recipient_canonical_maps"));
  ASSIGN_OR_RETURN(probe.virtual_alias_maps, TablesOf(settings, "virtual_alias_maps"));
  ASSIGN_OR_RETURN(probe.relayhost_maps, TablesOf(settings, "address_verify_sender_dependent_relayhost_maps"));
  ASSIGN_OR_RETURN(probe.local_transport, TransportOf(settings, "address_verify_local_transport", probe));
  ASSIGN_OR_RETURN(probe.virtual_transport, TransportOf(settings, "address_verify_virtual_transport", probe));
  ASSIGN_OR_RETURN(probe.relay_transport, TransportOf(settings, "address_verify_relay_transport", probe));
  ASSIGN_OR_RETURN(probe.default_transport, TransportOf(settings, "address_verify_default_transport", probe));
  ASSIGN_OR_RETURN(probe.mydestination, DomainsOf(settings, "mydestination"));
  ASSIGN_OR_RETURN(probe.virtual_alias_domains, DomainsOf(settings, "virtual_alias_domains"));
  ASSIGN_OR_RETURN(probe.virtual_mailbox_domains, DomainsOf(settings, "virtual_mailbox_domains"));
  ASSIGN_OR_RETURN(probe.relay_domains, DomainsOf(settings, "relay_domains"));
  ASSIGN_OR_RETURN(probe.own_addresses, OwnAddresses(settings));
  probe.queue_directory = settings.Text("queue_directory");
  if (const std::string canary = settings.Text("dns_canary"); !canary.empty()) {
    ASSIGN_OR_BLAME(probe.dns_canary, "dns_canary", ParseDomain(canary));
  }
  probe.myorigin = settings.Text("myorigin");
  probe.lmtp_tcp_port = static_cast<uint16_t>(settings.Number("lmtp_tcp_port"));
  const std::string preference = settings.Text("smtp_address_preference");
  probe.address_preference = preference == "ipv4"   ? AddressPreference::kIpv4
                             : preference == "ipv6" ? AddressPreference::kIpv6
                                                    : AddressPreference::kAny;
  probe.balance_families = settings.YesNo("smtp_balance_inet_protocols");
  const std::string service = settings.Text("address_verify_route_service");
  absl::string_view path = service;
  if (!service.empty() && (!absl::ConsumePrefix(&path, "unix:") || path.empty())) {
    return Bad("address_verify_route_service",
               absl::InvalidArgumentError(absl::StrCat("found \"", Printable(service, 100), "\", expected unix:PATH")));
  }
  probe.route_service = std::string(path);
  if (!path.empty() && path.front() != '/') probe.route_service = absl::StrCat(probe.queue_directory, "/", path);
  return absl::OkStatus();
}

absl::Status FillTls(const Settings& settings, Configuration& configuration, ProbeSettings& probe) {
  probe.tls_level = *TlsLevelFromName(settings.Text("smtp_tls_security_level"));
  for (const std::string& table : settings.List("smtp_tls_policy_maps")) {
    ASSIGN_OR_BLAME(auto loaded, "smtp_tls_policy_maps",
                    Table::Load(table, [](absl::string_view value) { return TlsPolicy::Parse(value).status(); }));
    probe.tls_policy_maps.push_back(std::move(loaded));
  }
  probe.dns_trust_ad = settings.YesNo("dns_trust_ad");
  const bool dane = probe.tls_level == TlsLevel::kDane || probe.tls_level == TlsLevel::kDaneOnly;
  if (dane && !probe.dns_trust_ad) {
    configuration.warnings.emplace_back(
        "smtp_tls_security_level = dane means nothing without dns_trust_ad = yes: no TLSA record is believed");
  }
  configuration.trust_anchors = {.file = settings.Text("smtp_tls_CAfile"), .path = settings.Text("smtp_tls_CApath")};
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> BindAddresses(const Settings& settings, absl::string_view name, bool ipv6) {
  std::vector<std::string> addresses = settings.List(name);
  for (const std::string& address : addresses) {
    if (IsIpAddress(address) && absl::StrContains(address, ':') == ipv6) continue;
    return Bad(name, absl::InvalidArgumentError(absl::StrCat("found \"", Printable(address, 60), "\", expected ",
                                                             ipv6 ? "IPv6" : "IPv4", " addresses of ours")));
  }
  return addresses;
}

absl::Status FillPace(const Settings& settings, ProbeSettings& probe) {
  probe.public_pace = {.connections = static_cast<int>(settings.Number("probe_public_concurrency_limit")),
                       .connections_per_second = static_cast<double>(settings.Number("probe_public_session_rate"))};
  probe.configured_pace.connections = static_cast<int>(settings.Number("probe_route_concurrency_limit"));
  probe.configured_pace.connections_per_second = static_cast<double>(settings.Number("probe_route_session_rate"));
  probe.unknown_budget = {.number = static_cast<uint64_t>(settings.Number("probe_public_unknown_limit")),
                          .percent = static_cast<int>(settings.Number("probe_public_unknown_percent"))};
  ASSIGN_OR_RETURN(probe.bind_addresses, BindAddresses(settings, "smtp_bind_address", /*ipv6=*/false));
  ASSIGN_OR_RETURN(probe.bind_addresses6, BindAddresses(settings, "smtp_bind_address6", /*ipv6=*/true));
  const auto threads = static_cast<size_t>(std::max<int64_t>(settings.Number("probe_threads"), 1));
  probe.session_limit =
      std::max<size_t>(SessionLimit(static_cast<size_t>(settings.Number("probe_session_limit"))) / threads, 1);
  probe.in_the_air_limit = static_cast<size_t>(settings.Number("address_verify_pending_request_limit"));
  return absl::OkStatus();
}

absl::Status FillProbe(const Settings& settings, Configuration& configuration) {
  auto probe = std::make_shared<ProbeSettings>();
  probe->myhostname = settings.Text("myhostname");
  probe->smtp_tcp_port = static_cast<uint16_t>(settings.Number("smtp_tcp_port"));
  if (const std::string relayhost = settings.Text("address_verify_relayhost"); !relayhost.empty()) {
    ASSIGN_OR_BLAME(probe->relayhost, "address_verify_relayhost", NextHop::Parse(relayhost));
  }
  RETURN_IF_ERROR(FillRoutes(settings, *probe));
  configuration.classifier = Classifier::BuiltIn();
  if (const std::string rules = settings.Text("classifier_rules"); !rules.empty()) {
    ASSIGN_OR_BLAME(configuration.classifier, "classifier_rules", Classifier::FromFile(rules));
  }
  ASSIGN_OR_BLAME(probe->permit_networks, "probe_permit_networks",
                  NetworkList::Parse(settings.Text("probe_permit_networks")));
  const std::string protocols = settings.Text("inet_protocols");
  probe->families.ipv4 = protocols != "ipv6";
  probe->families.ipv6 = protocols != "ipv4";
  probe->mx_address_limit = static_cast<int>(settings.Number("smtp_mx_address_limit"));
  probe->mx_session_limit = static_cast<int>(settings.Number("smtp_mx_session_limit"));
  probe->destination_recipient_limit = static_cast<size_t>(settings.Number("smtp_destination_recipient_limit"));
  probe->connection_idle_time = settings.Time("smtp_connection_cache_time_limit");
  probe->connection_reuse_time_limit = settings.Time("smtp_connection_reuse_time_limit");
  RETURN_IF_ERROR(FillTls(settings, configuration, *probe));
  RETURN_IF_ERROR(FillPace(settings, *probe));
  probe->smtp_asks_data = settings.Text("smtp_address_verify_target") == "data";
  probe->lmtp_asks_data = settings.Text("lmtp_address_verify_target") == "data";
  probe->skip_5xx_greeting = settings.YesNo("smtp_skip_5xx_greeting");
  probe->starttls_timeout = settings.Time("smtp_starttls_timeout");
  probe->data_init_timeout = settings.Time("smtp_data_init_timeout");
  probe->connect_timeout = settings.Time("smtp_connect_timeout");
  probe->helo_timeout = settings.Time("smtp_helo_timeout");
  probe->mail_timeout = settings.Time("smtp_mail_timeout");
  probe->rcpt_timeout = settings.Time("smtp_rcpt_timeout");
  probe->rset_timeout = settings.Time("smtp_rset_timeout");
  probe->quit_timeout = settings.Time("smtp_quit_timeout");
  if (const std::string table = settings.Text("destination_settings"); !table.empty()) {
    ASSIGN_OR_BLAME(probe->destinations, "destination_settings", DestinationSettings::Load(table, *probe));
  }
  configuration.probe = std::move(probe);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const GuardSettings>> GuardFor(const Settings& settings) {
  auto guard = std::make_shared<GuardSettings>();
  for (const std::string& item : settings.List("verify_canary")) {
    ASSIGN_OR_BLAME(Address address, "verify_canary", Address::Parse(item));
    const std::string domain = address.domain();
    if (!guard->canaries.emplace(domain, std::move(address)).second) {
      return Bad("verify_canary",
                 absl::InvalidArgumentError(absl::StrCat("found two addresses of ", domain, ", expected at most one")));
    }
  }
  return guard;
}

// "no", "configured" or "all", or a list of domains.
absl::Status FillCatchAll(const Settings& settings, VerifierSettings& verifier) {
  const std::vector<std::string> items = settings.List("address_verify_catch_all");
  verifier.catch_all = AskCatchAll::kNo;
  if (items.size() == 1 && items[0] == "no") return absl::OkStatus();
  if (items.size() == 1 && items[0] == "configured") {
    verifier.catch_all = AskCatchAll::kOnConfiguredRoutes;
  } else if (items.size() == 1 && items[0] == "all") {
    verifier.catch_all = AskCatchAll::kAlways;
  } else {
    ASSIGN_OR_BLAME(verifier.catch_all_domains, "address_verify_catch_all", DomainList::Create(items));
  }
  return absl::OkStatus();
}

absl::Status FillVerifier(const Settings& settings, Configuration& configuration) {
  ASSIGN_OR_BLAME(ProbeSender sender, "address_verify_sender",
                  ProbeSender::Create(settings.Text("address_verify_sender"), settings.Text("myorigin"),
                                      settings.Time("address_verify_sender_ttl")));
  ASSIGN_OR_BLAME(DomainList domains, "verify_domains", DomainList::Create(settings.List("verify_domains")));
  domains.AddRoutes(configuration.probe->transport_maps);
  if (domains.empty() && settings.List("verify_listen").empty()) {
    configuration.warnings.emplace_back(
        "nothing would be verified: verify_domains is empty (set verify_domains, relay_domains or "
        "address_verify_transport_maps)");
  }
  auto verifier = std::make_shared<VerifierSettings>(
      VerifierSettings{.lifetimes = configuration.cache.lifetimes,
                       .verify_domains = std::move(domains),
                       .relay_domains = configuration.probe->relay_domains,
                       .probe_sender = std::move(sender),
                       .helo = settings.Text("smtp_helo_name"),
                       .probe_time_limit = settings.Time("address_verify_probe_time_limit"),
                       .flight_limit = static_cast<size_t>(settings.Number("address_verify_pending_request_limit")),
                       .waiter_limit = static_cast<size_t>(settings.Number("address_verify_waiter_limit")),
                       .negative_cache = settings.YesNo("address_verify_negative_cache"),
                       .postfix_policy = settings.Text("address_verify_verdict_policy") == "postfix",
                       .hold_defers = settings.Text("hold_new_address_action") == "defer"});
  ASSIGN_OR_RETURN(verifier->guard, GuardFor(settings));
  verifier->promote_persistent = settings.YesNo("address_verify_promote_persistent");
  verifier->keep_dialogues = settings.YesNo("refusal_id");
  RETURN_IF_ERROR(FillCatchAll(settings, *verifier));
  // EHLO takes a domain or a literal (RFC 5321 section 4.1.1.1).
  if (!absl::StartsWith(verifier->helo, "[")) {
    ASSIGN_OR_BLAME(verifier->helo, "smtp_helo_name", ParseDomain(verifier->helo));
  }
  configuration.verifier = std::move(verifier);
  return absl::OkStatus();
}

Disclosure DisclosureOf(const Settings& settings) {
  const std::string disclosed = settings.Text("disclose_probe_details");
  return disclosed == "yes" ? Disclosure::kYes : disclosed == "no" ? Disclosure::kNo : Disclosure::kPublic;
}

UnverifiedSettings UnverifiedFor(const Settings& settings, absl::string_view role) {
  const auto name = [&](absl::string_view what) { return absl::StrCat("unverified_", role, "_", what); };
  UnverifiedSettings unverified;
  unverified.reject_code = static_cast<int>(settings.Number(name("reject_code")));
  unverified.defer_code = static_cast<int>(settings.Number(name("defer_code")));
  unverified.reject_reason = settings.Text(name("reject_reason"));
  unverified.disclosure = DisclosureOf(settings);
  unverified.defer_if_permit = settings.Text(name("tempfail_action")) == "defer_if_permit";
  return unverified;
}

absl::StatusOr<DecisionTables> DecisionsOf(const Settings& settings) {
  DecisionTables decisions;
  const std::string spec = settings.Text("decision_table");
  if (spec.empty()) return decisions;
  ASSIGN_OR_BLAME(auto table, "decision_table", Table::Load(spec));
  if (table->remote().has_value()) {
    return Bad("decision_table", absl::InvalidArgumentError("found a server, expected a file"));
  }
  for (const std::string& name : table->Keys()) {
    const std::optional<Reason> reason = ReasonFromName(name);
    if (!reason.has_value()) {
      return Bad("decision_table",
                 absl::InvalidArgumentError(absl::StrCat("found \"", Printable(name, 60), "\", expected a reason")));
    }
    if (const absl::Status status = decisions.Set(*reason, *table->Find(name)); !status.ok()) {
      return Bad("decision_table", absl::InvalidArgumentError(absl::StrCat(name, ": ", status.message())));
    }
  }
  return decisions;
}

absl::Duration PatienceOf(const Settings& settings, absl::string_view stress) {
  return settings.Time("address_verify_poll_delay", stress) *
         (settings.Number("address_verify_poll_count", stress) - 1);
}

RestrictionCodes CodesOf(const Settings& settings) {
  const auto code = [&](absl::string_view name) { return static_cast<int>(settings.Number(name)); };
  return {.reject = code("reject_code"),
          .defer = code("defer_code"),
          .access_map_reject = code("access_map_reject_code"),
          .access_map_defer = code("access_map_defer_code"),
          .invalid_hostname_reject = code("invalid_hostname_reject_code"),
          .non_fqdn_reject = code("non_fqdn_reject_code"),
          .unknown_address_reject = code("unknown_address_reject_code"),
          .maps_rbl_reject = code("maps_rbl_reject_code")};
}

// recipient_restrictions, sender_restrictions, and NAME_restrictions of every class.
absl::Status FillLists(const Settings& settings, RestrictionSettings& restrictions) {
  absl::flat_hash_map<std::string, std::vector<std::string>> items;
  const std::vector<std::string> classes = settings.Classes();
  for (const std::string& name : classes) {
    const std::string list = absl::StrCat(name, "_restrictions");
    if (!settings.IsSet(list) && Settings::FindRow(list)->name != list) {
      return Bad("restriction_classes", absl::InvalidArgumentError(absl::StrCat("found \"", Printable(name, 60),
                                                                                "\", expected ", list, " as well")));
    }
    items[name] = settings.List(list);
  }
  RestrictionReader reader([items](absl::string_view name) -> absl::StatusOr<std::vector<std::string>> {
    const auto found = items.find(name);
    if (found == items.end()) return absl::NotFoundError("no class");
    return found->second;
  });
  ASSIGN_OR_BLAME(restrictions.recipient_restrictions, "recipient_restrictions",
                  reader.Read(settings.List("recipient_restrictions")));
  ASSIGN_OR_BLAME(restrictions.sender_restrictions, "sender_restrictions",
                  reader.Read(settings.List("sender_restrictions")));
  for (const std::string& name : classes) {
    ASSIGN_OR_RETURN(restrictions.classes[name], reader.ReadClass(name));
  }
  return absl::OkStatus();
}

absl::Status FillRestrictions(const Settings& settings, Configuration& configuration) {
  ASSIGN_OR_RETURN(const DecisionTables decisions, DecisionsOf(settings));
  RestrictionSettings restrictions{
      .codes = CodesOf(settings),
      .recipient = UnverifiedFor(settings, "recipient"),
      .sender = UnverifiedFor(settings, "sender"),
      .patience = PatienceOf(settings, ""),
      .stress_patience = PatienceOf(settings, "yes"),
      .max_defer = settings.Time("unverified_recipient_max_defer_time"),
      .dry_run = settings.YesNo("dry_run"),
      .probe_sender = configuration.verifier->probe_sender,
      .probe_budget = {.client_limit = settings.Number("client_new_probe_rate_limit"),
                       .message_limit = settings.Number("message_new_probe_limit")},
      .final_domains = {configuration.probe->mydestination, configuration.probe->virtual_alias_domains,
                        configuration.probe->virtual_mailbox_domains}};
  RETURN_IF_ERROR(FillLists(settings, restrictions));
  restrictions.recipient.decisions = decisions;
  restrictions.sender.decisions = decisions;
  for (std::string& context : settings.List("dry_run_contexts")) {
    restrictions.dry_run_contexts.insert(std::move(context));
  }
  ASSIGN_OR_RETURN(restrictions.dry_run_domains, DomainsOf(settings, "dry_run_domains"));
  ASSIGN_OR_RETURN(restrictions.submission_domains, DomainsOf(settings, "submission_verify_domains"));
  ASSIGN_OR_RETURN(restrictions.sender_domains, DomainsOf(settings, "sender_verify_domains"));
  ASSIGN_OR_BLAME(restrictions.sender_exemptions, "unverified_sender_exemptions",
                  SenderExemptions::Create(settings.List("unverified_sender_exemptions")));
  ASSIGN_OR_BLAME(restrictions.mynetworks, "mynetworks", NetworkList::Parse(settings.Text("mynetworks")));
  ASSIGN_OR_BLAME(
      restrictions.disposable, "disposable_domains, disposable_domain_exceptions",
      DisposableDomains::Load(settings.Text("disposable_domains"), settings.Text("disposable_domain_exceptions")));
  if (restrictions.recipient.reject_code / 100 == 4) {
    configuration.warnings.emplace_back(
        "known-bad recipients are deferred, not rejected; set unverified_recipient_reject_code = 550 when you trust "
        "it");
  }
  configuration.restrictions = std::make_shared<const RestrictionSettings>(std::move(restrictions));
  return absl::OkStatus();
}

void FillDecisionRecord(const Settings& settings, Configuration& configuration) {
  DecisionRecordSettings& record = configuration.decision_record;
  if (!configuration.cache.path.empty()) {
    record.directory = std::filesystem::path(configuration.cache.path).parent_path() / "decisions";
  }
  record.keep_time = settings.Time("report_keep_time");
  record.refusal_ids = settings.YesNo("refusal_id");
}

void FillVerifyDoor(const Settings& settings, Configuration& configuration) {
  const RestrictionSettings& others = *configuration.restrictions;
  auto list = std::make_shared<RestrictionList>();
  list->restrictions.push_back({.kind = RestrictionKind::kRejectUnverifiedRecipient});
  configuration.verify_door = {.restrictions = std::make_shared<const RestrictionSettings>(
                                   RestrictionSettings{.recipient_restrictions = std::move(list),
                                                       .recipient = {.disclosure = others.recipient.disclosure,
                                                                     .worded = false,
                                                                     .decisions = others.recipient.decisions},
                                                       .patience = settings.Time("verify_service_patience"),
                                                       .max_defer = others.max_defer,
                                                       .dry_run = others.dry_run,
                                                       .any_domain = settings.YesNo("verify_service_any_domain"),
                                                       .probe_sender = others.probe_sender}),
                               .greets = settings.YesNo("verify_service_greeting"),
                               .takes_updates = settings.YesNo("verify_accept_updates")};
}

absl::StatusOr<DoorConfiguration> DoorFor(const Settings& settings, absl::string_view door) {
  DoorConfiguration configuration;
  const std::string listen = absl::StrCat(door, "_listen");
  for (const std::string& item : settings.List(listen)) {
    ASSIGN_OR_BLAME(ListenAddress address, listen, ListenAddress::Parse(item));
    if (address.BeyondLoopback() && !settings.YesNo("listen_beyond_loopback")) {
      return Bad(listen, absl::InvalidArgumentError(absl::StrCat("found ", address.ToString(),
                                                                 ", which other machines may reach, expected a ",
                                                                 "loopback address, or listen_beyond_loopback = yes")));
    }
    configuration.listen.push_back(std::move(address));
  }
  configuration.limits.connections = static_cast<size_t>(settings.Number(absl::StrCat(door, "_connection_limit")));
  configuration.limits.requests_per_second =
      static_cast<double>(settings.Number(absl::StrCat(door, "_request_rate_limit")));
  return configuration;
}

absl::Status FillDoors(const Settings& settings, Configuration& configuration) {
  for (const DoorRow& row : DoorTable()) {
    ASSIGN_OR_RETURN(DoorConfiguration door, DoorFor(settings, row.name));
    configuration.doors.push_back(std::move(door));
  }
  const std::string logged = settings.Text("log_decisions");
  configuration.mail_protocol.decisions_logged = logged == "all"       ? DecisionsLogged::kAll
                                                 : logged == "refused" ? DecisionsLogged::kRefused
                                                                       : DecisionsLogged::kNone;
  const std::string action = settings.Text("internal_error_action");
  configuration.mail_protocol.internal_error_action = action == "dunno"   ? InternalErrorAction::kDunno
                                                      : action == "defer" ? InternalErrorAction::kDefer
                                                                          : InternalErrorAction::kDisconnect;
  configuration.control_socket = settings.Text("control_socket");
  return absl::OkStatus();
}

absl::Status FillLog(const Settings& settings, Configuration& configuration) {
  LogOptions& log = configuration.log;
  log.to_syslog = settings.Text("log_sink") == "syslog";
  log.ident = settings.Text("syslog_name");
  log.facility = settings.Text("syslog_facility");
  const std::string address = settings.Text("log_address");
  configuration.privacy = {.cache_hashed = settings.Text("address_verify_cache_privacy") == "hashed",
                           .logged_addresses = address == "full"     ? LoggedAddresses::kFull
                                               : address == "domain" ? LoggedAddresses::kDomain
                                                                     : LoggedAddresses::kHashed,
                           .key_file = settings.Text("address_verify_cache_privacy_key_file")};
  if (IsSyslogFacility(log.facility)) return absl::OkStatus();
  return Bad("syslog_facility",
             absl::InvalidArgumentError(absl::StrCat("found \"", Printable(log.facility, 40),
                                                     "\", expected mail, daemon, user or local0 to local7")));
}

}  // namespace

absl::StatusOr<Configuration> Configuration::Create(const Settings& given) {
  Configuration configuration;
  ASSIGN_OR_RETURN(configuration.settings, WithSystemHostName(given));
  const Settings& settings = *configuration.settings;
  configuration.table_files = TableFilesOf(settings);
  configuration.warnings = settings.warnings();
  configuration.resolver.servers = settings.List("dns_servers");
  if (const absl::Status servers = CaresResolver::CheckServers(configuration.resolver.servers); !servers.ok()) {
    return Bad("dns_servers", servers);
  }
  configuration.probe_threads = static_cast<int>(settings.Number("probe_threads"));
  RETURN_IF_ERROR(FillLog(settings, configuration));
  RETURN_IF_ERROR(FillCache(settings, configuration));
  RETURN_IF_ERROR(FillProbe(settings, configuration));
  RETURN_IF_ERROR(FillVerifier(settings, configuration));
  RETURN_IF_ERROR(FillRestrictions(settings, configuration));
  FillDecisionRecord(settings, configuration);
  FillVerifyDoor(settings, configuration);
  RETURN_IF_ERROR(FillDoors(settings, configuration));
  return configuration;
}

absl::StatusOr<Configuration> Configuration::Load(const std::string& path, const std::vector<Assignment>& options) {
  ASSIGN_OR_RETURN(const Settings settings, Settings::LoadFile(path, options));
  return Create(settings);
}

std::vector<std::string> ChangedButNotReloadable(const Settings& before, const Settings& after) {
  std::vector<std::string> names;
  for (const SettingRow& row : Settings::Table()) {
    if (!row.reloadable && before.Text(row.name) != after.Text(row.name)) names.emplace_back(row.name);
  }
  return names;
}

}  // namespace verifyd
