#include "verifyd/configuration/configuration.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/input_file.h"
#include "base/network.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "classifier/reason.h"
#include "probe/destination_settings.h"
#include "tables/table.h"
#include "tables/table_text.h"
#include "verifyd/door/door_table.h"

namespace verifyd {
namespace {

absl::Status Unexpected(absl::string_view found, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(found, 100), "\", expected ", expected));
}

// What is wrong with the settings, all of it, and where that was said.
class Faults {
 public:
  explicit Faults(const Settings& settings) : settings_(settings) {}

  void Add(absl::string_view name, const absl::Status& fault) {
    const absl::string_view origin = settings_.Origin(name);
    if (settings_.IsFromPostfix(origin)) {
      of_postfix_.emplace(origin, fault.message());
      return;
    }
    std::string line = absl::StrCat(settings_.Source(origin), ": ", origin, ": ", fault.message());
    if (!absl::c_linear_search(errors_, line)) errors_.push_back(std::move(line));
  }
  // What can not be had stays as it is, and is a fault of the setting `name`.
  template <typename T, typename U>
  bool Assign(T& to, absl::string_view name, absl::StatusOr<U> got) {
    if (!got.ok()) {
      Add(name, got.status());
      return false;
    }
    to = *std::move(got);
    return true;
  }

  const std::vector<std::string>& errors() const { return errors_; }
  // Of values that Postfix has said: its mistakes do not stop us.
  const std::map<std::string, std::string>& of_postfix() const { return of_postfix_; }

 private:
  const Settings& settings_;
  std::vector<std::string> errors_;
  std::map<std::string, std::string> of_postfix_;
};

// Tables that several settings name are read once.
class TableShelf {
 public:
  absl::StatusOr<std::shared_ptr<const Table>> Load(absl::string_view spec) {
    const auto found = tables_.find(spec);
    if (found != tables_.end()) return found->second;
    return tables_.emplace(spec, Table::Load(spec)).first->second;
  }

 private:
  absl::flat_hash_map<std::string, absl::StatusOr<std::shared_ptr<const Table>>> tables_;
};

// The settings on their way to a configuration.
struct Draft {
  const Settings& settings;
  Faults& faults;
  TableShelf& shelf;
  Configuration& configuration;
  bool of_transport = false;  // the settings are those of a transport of master.cf, or of all of lmtp(8)

  void Warn(std::string warning) const {
    std::vector<std::string>& all = configuration.warnings;
    if (!absl::c_linear_search(all, warning)) all.push_back(std::move(warning));
  }
};

std::shared_ptr<const Settings> WithSystemHostName(const Settings& settings) {
  std::array<char, 256> name = {};
  gethostname(name.data(), name.size() - 1);
  auto with_name = std::make_shared<Settings>(settings);
  with_name->SetSystemHostName(name.data());
  return with_name;
}

void FillCache(const Draft& draft) {
  const Settings& settings = draft.settings;
  CacheSettings& cache = draft.configuration.cache;
  const std::string map = settings.Text("address_verify_map");
  absl::string_view path = map;
  absl::ConsumePrefix(&path, "proxy:");
  if (map.empty()) {
    draft.Warn("address_verify_map is empty: answers are kept in memory only");
  } else if (absl::ConsumePrefix(&path, "btree:")) {
    draft.Warn(
        absl::StrCat("address_verify_map = ", map, ": a Postfix cache is left alone; answers are kept in lmdb:", path));
  } else if (!absl::ConsumePrefix(&path, "lmdb:") || path.empty() || path[0] != '/') {
    draft.faults.Add("address_verify_map", Unexpected(map, "lmdb:/PATH, or nothing"));
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
    draft.faults.Add("address_verify_domain_negative_min_time",
                     Unexpected(settings.Text("address_verify_domain_negative_min_time"),
                                absl::StrCat("at most address_verify_domain_negative_max_time, ",
                                             settings.Text("address_verify_domain_negative_max_time"))));
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
      draft.Warn(absl::StrCat(refresh, " is longer than ", expire, ": nothing is ever refreshed"));
    }
  }
}

// An item of a setting can not be used. False: Postfix has said it, which is a warning. True: it is a fault.
bool IsFault(const Draft& draft, absl::string_view name, absl::string_view item, const absl::Status& status,
             absl::string_view outcome) {
  const absl::string_view origin = draft.settings.Origin(name);
  if (!draft.settings.IsFromPostfix(origin) && !draft.of_transport) {
    draft.faults.Add(name, status);
    return true;
  }
  draft.Warn(absl::StrCat(draft.settings.Source(origin), ": ", origin, ": ", Printable(item, 200), ": ",
                          status.message(), "; ", outcome));
  return false;
}

constexpr absl::string_view kLeftOut = "it is left out";
constexpr absl::string_view kBroken = "addresses that it is needed for are not verified";

// The tables that a setting names, each loaded by `load`; in the place of one of Postfix's that can not be had stands
// what `broken` makes: who asks it learns that.
template <typename T, typename Load, typename Broken>
std::vector<std::shared_ptr<const T>> TablesBy(const Draft& draft, absl::string_view name, Load load, Broken broken) {
  std::vector<std::shared_ptr<const T>> tables;
  // Of what Postfix has there nothing is known, which is not the same as nothing.
  const bool unknown = draft.settings.postfix() == nullptr && !draft.settings.postfix_error().empty();
  if (const absl::string_view origin = draft.settings.Origin(name);
      unknown && IsTakenFromPostfix(origin) && !draft.settings.IsSet(origin)) {
    tables.push_back(broken(origin, absl::UnavailableError(draft.settings.postfix_error())));
  }
  for (const std::string& spec : draft.settings.List(name)) {
    absl::StatusOr<std::shared_ptr<const T>> loaded = load(spec);
    if (loaded.ok()) {
      tables.push_back(*std::move(loaded));
    } else if (!IsFault(draft, name, spec, loaded.status(), kBroken)) {
      tables.push_back(broken(spec, loaded.status()));
    }
  }
  return tables;
}

std::vector<std::shared_ptr<const Table>> TablesOf(const Draft& draft, absl::string_view name) {
  const auto load = [&](absl::string_view spec) { return draft.shelf.Load(spec); };
  return TablesBy<Table>(draft, name, load, Table::Broken);
}

std::vector<std::shared_ptr<const TransportTable>> TransportTablesOf(const Draft& draft, absl::string_view name,
                                                                     const TransportNames& names) {
  const bool of_postfix = draft.settings.IsFromPostfix(draft.settings.Origin(name));
  const auto load = [&](absl::string_view spec) {
    std::vector<absl::Status> faults;
    auto table = TransportTable::Load(spec, names, of_postfix ? &faults : nullptr);
    constexpr size_t kTold = 5;
    for (size_t i = 0; i < std::min(faults.size(), kTold); ++i) (void)IsFault(draft, name, spec, faults[i], kBroken);
    return table;
  };
  return TablesBy<TransportTable>(draft, name, load, TransportTable::Broken);
}

void AssignTransport(const Draft& draft, absl::string_view name, const TransportNames& names, Transport& transport) {
  const std::string text = draft.settings.Text(name);
  absl::StatusOr<Transport> parsed = Transport::Parse(text, names, /*colon_needed=*/false);
  if (parsed.ok()) {
    transport = *std::move(parsed);
  } else if (!IsFault(draft, name, text, parsed.status(), kBroken)) {
    transport = {.kind = Transport::Kind::kBroken, .argument = std::string(parsed.status().message())};
  }
}

// Lists that decide about routes: their tables may be such as a server is asked for.
bool IsOfRoutes(absl::string_view name) {
  constexpr absl::string_view kLists[] = {"mydestination", "relay_domains", "virtual_alias_domains",
                                          "virtual_mailbox_domains"};
  return absl::c_linear_search(kLists, name);
}

// Whether a domain stands for what is below it is Postfix's to say where the list is Postfix's.
DomainList::Below BelowIn(const Settings& settings, absl::string_view list) {
  const bool of_relay = settings.Origin(list) == "relay_domains";
  if (IsOfRoutes(list) && list != "relay_domains") return DomainList::Below::kNone;
  if (!of_relay || absl::c_linear_search(settings.List("parent_domain_matches_subdomains"), "relay_domains")) {
    return DomainList::Below::kAll;
  }
  return DomainList::Below::kDotted;
}

// The items of the setting `list`, for what `name` is for.
DomainList DomainsOf(const Draft& draft, absl::string_view name, absl::string_view list) {
  constexpr absl::string_view kUnreadable = "unreadable:";
  const DomainList::Kind kind = {.below = BelowIn(draft.settings, list), .askable = IsOfRoutes(name)};
  absl::flat_hash_map<std::string, absl::Status> unreadable;
  const auto load = [&](absl::string_view spec) -> absl::StatusOr<std::shared_ptr<const Table>> {
    const auto broken = unreadable.find(spec);
    if (broken != unreadable.end()) return Table::Broken(absl::StripPrefix(spec, kUnreadable), broken->second);
    return draft.shelf.Load(spec);
  };
  std::vector<std::string> items;
  const absl::string_view origin = draft.settings.Origin(list);
  const bool told = !kind.askable && (IsOfRoutes(list) || IsOfRoutes(origin));
  const auto take = [&](std::string item) {
    const absl::Status usable = DomainList::Create({item}, load, kind).status();
    const bool file = absl::StrContains(item, ':') || absl::StrContains(item, '/');
    if (usable.ok()) {
      items.push_back(std::move(item));
    } else if (name != origin && file && !kind.askable && DomainList::Create({item}, load, {.askable = true}).ok()) {
      draft.Warn(absl::StrCat(draft.settings.Source(origin), ": ", origin, ": ", Printable(item, 200),
                              " is asked for where addresses lead, not for whom to verify: name its domains in ", name,
                              ", or * for all"));
    } else if (kind.askable && file && !IsFault(draft, list, item, usable, kBroken)) {
      items.push_back(absl::StrCat(kUnreadable, item));
      unreadable.emplace(items.back(), usable);
    } else if (!file || (!kind.askable && !told)) {
      (void)IsFault(draft, list, item, usable, kLeftOut);
    }
  };
  for (std::string& item : draft.settings.List(list)) take(std::move(item));
  return DomainList::Create(items, load, kind).value_or(DomainList());
}

DomainList DomainsOf(const Draft& draft, absl::string_view name) { return DomainsOf(draft, name, name); }

// What this process may open, but for what doors and files need.
size_t SessionLimit(size_t wanted) {
  constexpr rlim_t kOthers = 1100;
  rlimit descriptors = {};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_max == RLIM_INFINITY) return wanted;
  return std::min<size_t>(
      wanted, descriptors.rlim_cur > 2 * kOthers ? descriptors.rlim_cur - kOthers : descriptors.rlim_cur / 2);
}

// inet_interfaces and proxy_interfaces; an interface that comes later is not seen until the next reload. A name of a
// host stands for all: nobody is asked for its addresses here.
NetworkList OwnAddresses(const Draft& draft) {
  std::vector<std::string> addresses;
  for (std::string& item : draft.settings.List("proxy_interfaces")) {
    const absl::Status usable = NetworkList::Parse(item).status();
    if (usable.ok()) {
      addresses.push_back(std::move(item));
    } else {
      (void)IsFault(draft, "proxy_interfaces", item, usable, kLeftOut);
    }
  }
  for (std::string item : draft.settings.List("inet_interfaces")) {
    if (absl::StartsWith(item, "[") && absl::EndsWith(item, "]")) item = item.substr(1, item.size() - 2);
    if (item == "loopback-only" || item == "localhost") {
      addresses.insert(addresses.end(), {"127.0.0.1", "::1"});
    } else if (NetworkList::Parse(item).ok()) {
      addresses.push_back(item);
    } else if (item == "all" || ParseDomain(item).ok()) {
      const std::vector<std::string> all = InterfaceAddresses();
      addresses.insert(addresses.end(), all.begin(), all.end());
    } else {
      draft.faults.Add("inet_interfaces", NetworkList::Parse(item).status());
    }
  }
  return NetworkList::Parse(absl::StrJoin(addresses, " ")).value_or(NetworkList());
}

// As Postfix's: /PATH stands for what is in that file.
absl::StatusOr<std::string> NetworksIn(const std::string& item) {
  std::string networks = item;
  if (absl::StartsWith(item, "/")) {
    ASSIGN_OR_RETURN(const std::string text, ReadTableText(item));
    networks.clear();
    for (const absl::string_view line : absl::StrSplit(text, '\n')) {
      if (!absl::StartsWith(line, "#")) absl::StrAppend(&networks, " ", line);
    }
  }
  RETURN_IF_ERROR(NetworkList::Parse(networks).status());
  return networks;
}

NetworkList NetworksOf(const Draft& draft, absl::string_view name) {
  std::string networks;
  for (const std::string& item : draft.settings.List(name)) {
    const absl::StatusOr<std::string> usable = NetworksIn(item);
    if (usable.ok()) {
      absl::StrAppend(&networks, " ", *usable);
    } else {
      (void)IsFault(draft, name, item, usable.status(), kLeftOut);
    }
  }
  return NetworkList::Parse(networks).value_or(NetworkList());
}

TransportNames TransportNamesOf(const Settings& settings) {
  TransportNames names;
  names.smtp = settings.List("probe_smtp_transports");
  if (settings.postfix() == nullptr) return names;
  for (const PostfixTransport& transport : settings.postfix()->transports) {
    (transport.lmtp ? names.lmtp : names.smtp).push_back(transport.name);
  }
  return names;
}

// The socket of one of Postfix's services, unix:PATH; empty where none is named.
absl::StatusOr<std::string> ServicePath(const Settings& settings, absl::string_view name) {
  const std::string service = settings.Text(name);
  absl::string_view path = service;
  if (!service.empty() && (!absl::ConsumePrefix(&path, "unix:") || path.empty())) {
    return Unexpected(service, "unix:PATH");
  }
  if (path.empty() || path.front() == '/') return std::string(path);
  return absl::StrCat(settings.Text("queue_directory"), "/", path);
}

// Debian's Postfix has the name of a file there, "/etc/mailname": its first line counts.
absl::StatusOr<std::string> OriginDomain(const Settings& settings) {
  constexpr size_t kMaxFile = size_t{64} * 1024;
  const std::string origin = settings.Text("myorigin");
  if (origin.empty()) return origin;
  if (!absl::StartsWith(origin, "/")) return ParseDomain(origin);
  ASSIGN_OR_RETURN(const std::string text, ReadInputFile(origin, kMaxFile));
  return ParseDomain(absl::StripAsciiWhitespace(text.substr(0, text.find('\n'))));
}

void FillRoutes(const Draft& draft, ProbeSettings& probe) {
  const Settings& settings = draft.settings;
  Faults& faults = draft.faults;
  probe.transport_names = TransportNamesOf(settings);
  probe.transport_maps = TransportTablesOf(draft, "address_verify_transport_maps", probe.transport_names);
  probe.recipient_canonical_maps = TablesOf(draft, "recipient_canonical_maps");
  probe.canonical_maps = TablesOf(draft, "canonical_maps");
  probe.virtual_alias_maps = TablesOf(draft, "virtual_alias_maps");
  probe.recipient_delimiter = settings.Text("recipient_delimiter");
  const std::vector<std::string> propagating = settings.List("propagate_unmatched_extensions");
  probe.propagates_to_canonical = absl::c_linear_search(propagating, "canonical");
  probe.propagates_to_virtual = absl::c_linear_search(propagating, "virtual");
  probe.relayhost_maps = TablesOf(draft, "address_verify_sender_dependent_relayhost_maps");
  AssignTransport(draft, "address_verify_local_transport", probe.transport_names, probe.local_transport);
  AssignTransport(draft, "address_verify_virtual_transport", probe.transport_names, probe.virtual_transport);
  AssignTransport(draft, "address_verify_relay_transport", probe.transport_names, probe.relay_transport);
  AssignTransport(draft, "address_verify_default_transport", probe.transport_names, probe.default_transport);
  probe.mydestination = DomainsOf(draft, "mydestination");
  probe.virtual_alias_domains = DomainsOf(draft, "virtual_alias_domains");
  probe.virtual_mailbox_domains = DomainsOf(draft, "virtual_mailbox_domains");
  probe.relay_domains = DomainsOf(draft, "relay_domains");
  probe.own_addresses = OwnAddresses(draft);
  probe.queue_directory = settings.Text("queue_directory");
  if (const std::string canary = settings.Text("dns_canary"); !canary.empty()) {
    faults.Assign(probe.dns_canary, "dns_canary", ParseDomain(canary));
  }
  if (const std::string relayhost = settings.Text("address_verify_relayhost"); !relayhost.empty()) {
    probe.relayhost = NextHop::Parse(relayhost);
    const absl::Status status = probe.relayhost.status();
    if (!status.ok()) (void)IsFault(draft, "address_verify_relayhost", relayhost, status, kBroken);
  }
  faults.Assign(probe.myorigin, "myorigin", OriginDomain(settings));
  faults.Assign(probe.route_service, "address_verify_route_service",
                ServicePath(settings, "address_verify_route_service"));
  faults.Assign(probe.proxymap_service, "postfix_proxymap_service", ServicePath(settings, "postfix_proxymap_service"));
}

std::vector<std::string> BindAddresses(const Settings& settings, Faults& faults, absl::string_view name, bool ipv6) {
  std::vector<std::string> addresses = settings.List(name);
  for (const std::string& address : addresses) {
    if (IsIpAddress(address) && absl::StrContains(address, ':') == ipv6) continue;
    faults.Add(name, Unexpected(address, ipv6 ? "IPv6 addresses of ours" : "IPv4 addresses of ours"));
  }
  return addresses;
}

// EHLO takes a domain or a literal (RFC 5321 section 4.1.1.1).
absl::StatusOr<std::string> HeloOf(const Settings& settings) {
  std::string helo = settings.Text("smtp_helo_name");
  if (absl::StartsWith(helo, "[")) return helo;
  return ParseDomain(helo);
}

// What the client does wherever it asks, and each transport of master.cf may do otherwise.
void FillClient(const Draft& draft, ProbeSettings& probe) {
  const Settings& settings = draft.settings;
  Faults& faults = draft.faults;
  const std::string protocols = settings.Text("inet_protocols");
  probe.families.ipv4 = protocols != "ipv6";
  probe.families.ipv6 = protocols != "ipv4";
  probe.smtp_tcp_port = static_cast<uint16_t>(settings.Number("smtp_tcp_port"));
  probe.lmtp_tcp_port = static_cast<uint16_t>(settings.Number("lmtp_tcp_port"));
  const std::string preference = settings.Text("smtp_address_preference");
  probe.address_preference = preference == "ipv4"   ? AddressPreference::kIpv4
                             : preference == "ipv6" ? AddressPreference::kIpv6
                                                    : AddressPreference::kAny;
  probe.balance_families = settings.YesNo("smtp_balance_inet_protocols");
  probe.mx_address_limit = static_cast<int>(settings.Number("smtp_mx_address_limit"));
  probe.mx_session_limit = static_cast<int>(settings.Number("smtp_mx_session_limit"));
  probe.destination_recipient_limit = static_cast<size_t>(settings.Number("smtp_destination_recipient_limit"));
  probe.connection_idle_time = settings.Time("smtp_connection_cache_time_limit");
  probe.connection_reuse_time_limit = settings.Time("smtp_connection_reuse_time_limit");
  probe.bind_addresses = BindAddresses(settings, faults, "smtp_bind_address", /*ipv6=*/false);
  probe.bind_addresses6 = BindAddresses(settings, faults, "smtp_bind_address6", /*ipv6=*/true);
  probe.tls_level = *TlsLevelFromName(settings.Text("smtp_tls_security_level"));
  // A policy of Postfix's that is none of ours (fingerprint) is told where it is needed.
  const bool lenient = draft.of_transport || settings.IsFromPostfix("smtp_tls_policy_maps");
  const auto load = [&](absl::string_view spec) {
    return Table::Load(
        spec, [&](absl::string_view value) { return lenient ? absl::OkStatus() : TlsPolicy::Parse(value).status(); });
  };
  probe.tls_policy_maps = TablesBy<Table>(draft, "smtp_tls_policy_maps", load, Table::Broken);
  probe.smtp_asks_data = settings.Text("smtp_address_verify_target") == "data";
  probe.lmtp_asks_data = settings.Text("lmtp_address_verify_target") == "data";
  probe.skip_5xx_greeting = settings.YesNo("smtp_skip_5xx_greeting");
  probe.starttls_timeout = settings.Time("smtp_starttls_timeout");
  probe.data_init_timeout = settings.Time("smtp_data_init_timeout");
  probe.connect_timeout = settings.Time("smtp_connect_timeout");
  probe.helo_timeout = settings.Time("smtp_helo_timeout");
  probe.mail_timeout = settings.Time("smtp_mail_timeout");
  probe.rcpt_timeout = settings.Time("smtp_rcpt_timeout");
  probe.rset_timeout = settings.Time("smtp_rset_timeout");
  probe.quit_timeout = settings.Time("smtp_quit_timeout");
}

void FillPace(const Settings& settings, ProbeSettings& probe) {
  probe.public_pace = {.connections = static_cast<int>(settings.Number("probe_public_concurrency_limit")),
                       .connections_per_second = static_cast<double>(settings.Number("probe_public_session_rate"))};
  probe.configured_pace.connections = static_cast<int>(settings.Number("probe_route_concurrency_limit"));
  probe.configured_pace.connections_per_second = static_cast<double>(settings.Number("probe_route_session_rate"));
  probe.unknown_budget = {.number = static_cast<uint64_t>(settings.Number("probe_public_unknown_limit")),
                          .percent = static_cast<int>(settings.Number("probe_public_unknown_percent"))};
  const auto threads = static_cast<size_t>(std::max<int64_t>(settings.Number("probe_threads"), 1));
  probe.session_limit =
      std::max<size_t>(SessionLimit(static_cast<size_t>(settings.Number("probe_session_limit"))) / threads, 1);
  probe.in_the_air_limit = static_cast<size_t>(settings.Number("address_verify_pending_request_limit"));
}

// What destinations want otherwise than `probe`; null: nothing.
absl::StatusOr<std::shared_ptr<const DestinationSettings>> DestinationsFor(const Settings& settings,
                                                                           const ProbeSettings& probe) {
  const std::string table = settings.Text("destination_settings");
  if (table.empty()) return nullptr;
  return DestinationSettings::Load(table, probe);
}

// What lmtp(8) is told otherwise than smtp(8); verifyd.cf means both.
Settings ForLmtp(const Draft& draft) {
  Settings settings = draft.settings;
  for (const Assignment& assignment : draft.settings.postfix()->lmtp) {
    if (draft.settings.IsSet(assignment.name) && !draft.settings.IsFromPostfix(assignment.name)) continue;
    if (const absl::Status fault = settings.Override(assignment); !fault.ok()) {
      draft.Warn(absl::StrCat(fault.message(), "; it is left out"));
    }
  }
  return settings;
}

// Settings that hold for one transport, or one kind of them, alone: `base` and `options`. Null: they can not be used.
std::shared_ptr<const ProbeSettings> SpecialFor(const Draft& draft, const Settings& base,
                                                const std::vector<Assignment>& options, const ProbeSettings& probe) {
  Settings settings = base;
  for (const Assignment& option : options) {
    if (const absl::Status fault = settings.Override(option); !fault.ok()) {
      draft.Warn(absl::StrCat(fault.message(), "; it is left out"));
    }
  }
  auto special = std::make_shared<ProbeSettings>(probe.WithoutRouting());
  Faults faults(settings);
  FillClient({.settings = settings,
              .faults = faults,
              .shelf = draft.shelf,
              .configuration = draft.configuration,
              .of_transport = true},
             *special);
  if (settings.Text("smtp_helo_name") != draft.settings.Text("smtp_helo_name")) {
    faults.Assign(special->helo, "smtp_helo_name", HeloOf(settings));
  }
  if (const absl::StatusOr<std::shared_ptr<const DestinationSettings>> destinations =
          DestinationsFor(settings, *special);
      destinations.ok()) {
    special->destinations = *destinations;
  }
  if (faults.errors().empty()) return special;
  for (const std::string& fault : faults.errors()) {
    draft.Warn(absl::StrCat(fault, "; the -o of this transport are left out"));
  }
  return nullptr;
}

// The -o of a transport in master.cf are settings that hold for it alone.
void FillTransports(const Draft& draft, ProbeSettings& probe) {
  const std::shared_ptr<const PostfixSettings>& postfix = draft.settings.postfix();
  if (postfix == nullptr) return;
  const Settings for_lmtp = ForLmtp(draft);
  if (!postfix->lmtp.empty()) probe.lmtp = SpecialFor(draft, for_lmtp, {}, probe);
  for (const PostfixTransport& transport : postfix->transports) {
    if (transport.options.empty()) continue;
    const Settings& base = transport.lmtp ? for_lmtp : draft.settings;
    if (auto special = SpecialFor(draft, base, transport.options, probe)) {
      probe.transports[transport.name] = std::move(special);
    }
  }
}

void FillProbe(const Draft& draft) {
  const Settings& settings = draft.settings;
  Configuration& configuration = draft.configuration;
  auto probe = std::make_shared<ProbeSettings>();
  probe->myhostname = settings.Text("myhostname");
  FillRoutes(draft, *probe);
  configuration.classifier = Classifier::BuiltIn();
  if (const std::string rules = settings.Text("classifier_rules"); !rules.empty()) {
    draft.faults.Assign(configuration.classifier, "classifier_rules", Classifier::FromFile(rules));
  }
  draft.faults.Assign(probe->permit_networks, "probe_permit_networks",
                      NetworkList::Parse(settings.Text("probe_permit_networks")));
  probe->dns_trust_ad = settings.YesNo("dns_trust_ad");
  FillClient(draft, *probe);
  FillPace(settings, *probe);
  const bool dane = probe->tls_level == TlsLevel::kDane || probe->tls_level == TlsLevel::kDaneOnly;
  if (dane && !probe->dns_trust_ad) {
    draft.Warn("smtp_tls_security_level = dane means nothing without dns_trust_ad = yes: no TLSA record is believed");
  }
  configuration.trust_anchors = {.file = settings.Text("smtp_tls_CAfile"), .path = settings.Text("smtp_tls_CApath")};
  FillTransports(draft, *probe);
  draft.faults.Assign(probe->destinations, "destination_settings", DestinationsFor(settings, *probe));
  configuration.probe = std::move(probe);
}

std::shared_ptr<const GuardSettings> GuardFor(const Draft& draft) {
  auto guard = std::make_shared<GuardSettings>();
  for (const std::string& item : draft.settings.List("verify_canary")) {
    Address address;
    if (!draft.faults.Assign(address, "verify_canary", Address::Parse(item))) continue;
    const std::string domain = address.domain();
    if (!guard->canaries.emplace(domain, std::move(address)).second) {
      draft.faults.Add("verify_canary", absl::InvalidArgumentError(
                                            absl::StrCat("found two addresses of ", domain, ", expected at most one")));
    }
  }
  return guard;
}

// "no", "configured" or "all", or a list of domains.
void FillCatchAll(const Draft& draft, VerifierSettings& verifier) {
  const std::vector<std::string> items = draft.settings.List("address_verify_catch_all");
  verifier.catch_all = AskCatchAll::kNo;
  if (items.size() == 1 && items[0] == "no") return;
  if (items.size() == 1 && items[0] == "configured") {
    verifier.catch_all = AskCatchAll::kOnConfiguredRoutes;
  } else if (items.size() == 1 && items[0] == "all") {
    verifier.catch_all = AskCatchAll::kAlways;
  } else {
    verifier.catch_all_domains = DomainsOf(draft, "address_verify_catch_all");
  }
}

// Unless the operator says otherwise, all that Postfix takes mail for is verified, as reject_unverified_recipient does,
// but for the classes whose transport can not be asked.
DomainList VerifiedDomains(const Draft& draft, const ProbeSettings& probe) {
  const Settings& settings = draft.settings;
  DomainList domains = DomainsOf(draft, "verify_domains");
  const auto add = [&](absl::string_view list) { domains.Append(DomainsOf(draft, "verify_domains", list)); };
  if (!settings.IsSet("verify_domains")) {
    add("virtual_alias_domains");
    if (probe.virtual_transport.kind != Transport::Kind::kOther) add("virtual_mailbox_domains");
    if (probe.local_transport.kind != Transport::Kind::kOther) add("mydestination");
  }
  const bool of_postfix = settings.IsFromPostfix(settings.Origin("address_verify_transport_maps"));
  domains.AddRoutes(probe.transport_maps, /*only_elsewhere=*/of_postfix);
  return domains;
}

void FillVerifier(const Draft& draft) {
  const Settings& settings = draft.settings;
  Configuration& configuration = draft.configuration;
  absl::StatusOr<ProbeSender> sender =
      ProbeSender::Create(settings.Text("address_verify_sender"), configuration.probe->myorigin,
                          settings.Time("address_verify_sender_ttl"));
  if (!sender.ok()) {
    draft.faults.Add("address_verify_sender", sender.status());
    sender = ProbeSender::Create("", "", absl::ZeroDuration());  // nobody will use it
  }
  DomainList domains = VerifiedDomains(draft, *configuration.probe);
  if (domains.empty() && settings.List("verify_listen").empty()) {
    draft.Warn(
        "nothing would be verified: verify_domains is empty (set verify_domains, relay_domains or "
        "address_verify_transport_maps)");
  }
  MemorySettings memory{.lifetimes = configuration.cache.lifetimes,
                        .verify_domains = std::move(domains),
                        .negative_cache = settings.YesNo("address_verify_negative_cache"),
                        .postfix_policy = settings.Text("address_verify_verdict_policy") == "postfix",
                        .hold_defers = settings.Text("hold_new_address_action") == "defer"};
  auto verifier = std::make_shared<VerifierSettings>(
      VerifierSettings{{std::move(memory)}, configuration.probe->relay_domains, *std::move(sender)});
  verifier->helo = settings.Text("smtp_helo_name");
  verifier->probe_time_limit = settings.Time("address_verify_probe_time_limit");
  verifier->flight_limit = static_cast<size_t>(settings.Number("address_verify_pending_request_limit"));
  verifier->waiter_limit = static_cast<size_t>(settings.Number("address_verify_waiter_limit"));
  verifier->guard = GuardFor(draft);
  verifier->promote_persistent = settings.YesNo("address_verify_promote_persistent");
  verifier->keep_dialogues = settings.YesNo("refusal_id");
  FillCatchAll(draft, *verifier);
  draft.faults.Assign(verifier->helo, "smtp_helo_name", HeloOf(settings));
  configuration.verifier = std::move(verifier);
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
  ASSIGN_OR_RETURN(const auto table, Table::Load(spec));
  if (table->remote().has_value()) return absl::InvalidArgumentError("found a server, expected a file");
  for (const std::string& name : table->Keys()) {
    const std::optional<Reason> reason = ReasonFromName(name);
    if (!reason.has_value()) return Unexpected(name, "a reason");
    if (const absl::Status status = decisions.Set(*reason, *table->Find(name)); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": ", status.message()));
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
void FillLists(const Draft& draft, RestrictionSettings& restrictions) {
  const Settings& settings = draft.settings;
  absl::flat_hash_map<std::string, std::vector<std::string>> items;
  const std::vector<std::string> classes = settings.Classes();
  for (const std::string& name : classes) {
    const std::string list = absl::StrCat(name, "_restrictions");
    if (!settings.IsSet(list) && Settings::FindRow(list)->name != list) {
      draft.faults.Add("restriction_classes", Unexpected(name, absl::StrCat(list, " as well")));
    }
    items[name] = settings.List(list);
  }
  RestrictionReader reader([items](absl::string_view name) -> absl::StatusOr<std::vector<std::string>> {
    const auto found = items.find(name);
    if (found == items.end()) return absl::NotFoundError("no class");
    return found->second;
  });
  draft.faults.Assign(restrictions.recipient_restrictions, "recipient_restrictions",
                      reader.Read(settings.List("recipient_restrictions")));
  draft.faults.Assign(restrictions.sender_restrictions, "sender_restrictions",
                      reader.Read(settings.List("sender_restrictions")));
  for (const std::string& name : classes) {
    draft.faults.Assign(restrictions.classes[name], absl::StrCat(name, "_restrictions"), reader.ReadClass(name));
  }
}

void FillRestrictions(const Draft& draft) {
  const Settings& settings = draft.settings;
  Configuration& configuration = draft.configuration;
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
  FillLists(draft, restrictions);
  DecisionTables decisions;
  draft.faults.Assign(decisions, "decision_table", DecisionsOf(settings));
  restrictions.recipient.decisions = decisions;
  restrictions.sender.decisions = decisions;
  for (std::string& context : settings.List("dry_run_contexts")) {
    restrictions.dry_run_contexts.insert(std::move(context));
  }
  restrictions.dry_run_domains = DomainsOf(draft, "dry_run_domains");
  restrictions.backup_mx_domains = DomainsOf(draft, "backup_mx_domains");
  restrictions.submission_domains = DomainsOf(draft, "submission_verify_domains");
  restrictions.sender_domains = DomainsOf(draft, "sender_verify_domains");
  draft.faults.Assign(restrictions.sender_exemptions, "unverified_sender_exemptions",
                      SenderExemptions::Create(settings.List("unverified_sender_exemptions")));
  restrictions.mynetworks = NetworksOf(draft, "mynetworks");
  const std::string disposable = settings.Text("disposable_domains");
  const std::string exceptions = settings.Text("disposable_domain_exceptions");
  if (draft.faults.Assign(restrictions.disposable, "disposable_domains", DisposableDomains::Load(disposable, ""))) {
    draft.faults.Assign(restrictions.disposable, "disposable_domain_exceptions",
                        DisposableDomains::Load(disposable, exceptions));
  }
  if (restrictions.recipient.reject_code / 100 == 4) {
    draft.Warn(
        "known-bad recipients are deferred, not rejected; set unverified_recipient_reject_code = 550 when you trust "
        "it");
  }
  configuration.restrictions = std::make_shared<const RestrictionSettings>(std::move(restrictions));
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
  configuration.door_settings.verify = {.restrictions = std::make_shared<const RestrictionSettings>(RestrictionSettings{
                                            .recipient_restrictions = std::move(list),
                                            .recipient = {.disclosure = others.recipient.disclosure,
                                                          .worded = false,
                                                          .decisions = others.recipient.decisions},
                                            .patience = settings.Time("verify_service_patience"),
                                            .max_defer = others.max_defer,
                                            .dry_run = others.dry_run,
                                            .backup_mx_domains = others.backup_mx_domains,
                                            .any_domain = settings.YesNo("verify_service_any_domain"),
                                            .probe_sender = others.probe_sender}),
                                        .greets = settings.YesNo("verify_service_greeting"),
                                        .takes_updates = settings.YesNo("verify_accept_updates"),
                                        .classifier = configuration.classifier};
}

DoorConfiguration DoorFor(const Draft& draft, absl::string_view door) {
  const Settings& settings = draft.settings;
  DoorConfiguration configuration;
  const std::string listen = absl::StrCat(door, "_listen");
  for (const std::string& item : settings.List(listen)) {
    absl::StatusOr<ListenAddress> address = ListenAddress::Parse(item);
    if (!address.ok()) {
      draft.faults.Add(listen, address.status());
    } else if (address->BeyondLoopback() && !settings.YesNo("listen_beyond_loopback")) {
      draft.faults.Add(listen, absl::InvalidArgumentError(
                                   absl::StrCat("found ", address->ToString(), ", which other machines may reach, ",
                                                "expected a loopback address, or listen_beyond_loopback = yes")));
    } else {
      configuration.listen.push_back(*std::move(address));
    }
  }
  configuration.limits.connections = static_cast<size_t>(settings.Number(absl::StrCat(door, "_connection_limit")));
  configuration.limits.requests_per_second =
      static_cast<double>(settings.Number(absl::StrCat(door, "_request_rate_limit")));
  return configuration;
}

void FillDoors(const Draft& draft) {
  const Settings& settings = draft.settings;
  Configuration& configuration = draft.configuration;
  for (const DoorRow& row : DoorTable()) configuration.doors.push_back(DoorFor(draft, row.name));
  const std::string logged = settings.Text("log_decisions");
  configuration.door_settings.mail.decisions_logged = logged == "all"       ? DecisionsLogged::kAll
                                                      : logged == "refused" ? DecisionsLogged::kRefused
                                                                            : DecisionsLogged::kNone;
  const std::string action = settings.Text("internal_error_action");
  configuration.door_settings.mail.internal_error_action = action == "dunno"   ? InternalErrorAction::kDunno
                                                           : action == "defer" ? InternalErrorAction::kDefer
                                                                               : InternalErrorAction::kDisconnect;
  configuration.control_socket = settings.Text("control_socket");
}

void FillLog(const Draft& draft) {
  const Settings& settings = draft.settings;
  Configuration& configuration = draft.configuration;
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
  if (!IsSyslogFacility(log.facility)) {
    draft.faults.Add("syslog_facility", Unexpected(log.facility, "mail, daemon, user or local0 to local7"));
  }
}

void FillAll(const Draft& draft) {
  const Settings& settings = draft.settings;
  if (settings.Text("myhostname").empty()) {
    draft.faults.Add("myhostname", absl::InvalidArgumentError("the system has no name; expected myhostname = NAME"));
  }
  draft.configuration.warnings = settings.warnings();
  draft.configuration.resolver.servers = settings.List("dns_servers");
  if (const absl::Status servers = CaresResolver::CheckServers(draft.configuration.resolver.servers); !servers.ok()) {
    draft.faults.Add("dns_servers", servers);
  }
  draft.configuration.probe_threads = static_cast<int>(settings.Number("probe_threads"));
  FillLog(draft);
  FillCache(draft);
  FillProbe(draft);
  FillVerifier(draft);
  FillRestrictions(draft);
  FillDecisionRecord(settings, draft.configuration);
  FillVerifyDoor(settings, draft.configuration);
  FillDoors(draft);
}

// The files of `settings`; of those that `read` has, too, the marks of then.
std::vector<TableFile> FilesSince(const std::vector<TableFile>& read, const Settings& settings) {
  std::vector<TableFile> files = TableFilesOf(settings);
  for (TableFile& file : files) {
    const auto before = absl::c_find_if(read, [&](const TableFile& other) { return other.path == file.path; });
    if (before != read.end()) file.mark = before->mark;
  }
  return files;
}

}  // namespace

absl::StatusOr<Configuration> Configuration::Create(const Settings& given, const PostfixSource& source) {
  Settings settings = given;
  std::vector<TableFile> files = TableFilesOf(settings);
  settings.TakeFromPostfix(source);
  files = FilesSince(files, settings);
  TableShelf shelf;
  for (;;) {
    Configuration configuration;
    configuration.settings = WithSystemHostName(settings);
    Faults faults(*configuration.settings);
    FillAll({.settings = *configuration.settings, .faults = faults, .shelf = shelf, .configuration = configuration});
    if (!faults.of_postfix().empty()) {
      for (const auto& [name, why] : faults.of_postfix()) settings.RefuseFromPostfix(name, why);
      continue;
    }
    std::vector<std::string> errors = settings.errors();
    errors.insert(errors.end(), faults.errors().begin(), faults.errors().end());
    if (!errors.empty()) return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
    configuration.table_files = std::move(files);
    return configuration;
  }
}

absl::StatusOr<Configuration> Configuration::Load(const std::string& path, const std::vector<Assignment>& options,
                                                  const PostfixSource& source) {
  return Create(Settings::ReadFile(path, options), source);
}

std::vector<std::string> ChangedButNotReloadable(const Settings& before, const Settings& after) {
  std::vector<std::string> names;
  for (const SettingRow& row : Settings::Table()) {
    if (!row.reloadable && before.Text(row.name) != after.Text(row.name)) names.emplace_back(row.name);
  }
  return names;
}

}  // namespace verifyd
