#include "probe/route_plan.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "mail/address_extension.h"

namespace verifyd {
namespace {

constexpr absl::string_view kAliasMaps = "virtual_alias_maps";
constexpr absl::string_view kTransportMaps = "transport_maps";
constexpr absl::string_view kRelayhost = "relayhost";
constexpr absl::string_view kRelayhostMaps = "sender_dependent_relayhost_maps";
constexpr absl::string_view kRouteService = "address_verify_route_service";
// The most aliases of aliases; Postfix stops at as many (virtual_alias_recursion_limit is higher, for wide expansions),
// and at 20 of canonical(5).
constexpr int kMaxAliasSteps = 100;
constexpr int kMaxCanonicalSteps = 20;

absl::Status Blame(absl::string_view setting, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(setting, ": ", status.message()));
}

std::string InQueueDirectory(const std::string& path, const ProbeSettings& settings) {
  return path.empty() || path.front() == '/' ? path : absl::StrCat(settings.queue_directory, "/", path);
}

class Planner {
 public:
  Planner(absl::string_view sender, const ProbeSettings& settings, RemoteAnswers answers)
      : sender_(sender), settings_(settings), answers_(answers) {}

  absl::StatusOr<RoutePlan> Plan(const Address& given) {
    plan_.address = given;
    RETURN_IF_ERROR(Rewrite());
    if (plan_.several || !plan_.not_an_address.empty()) return std::move(plan_);
    RETURN_IF_ERROR(FindTransport());
    RETURN_IF_ERROR(Follow());
    return std::move(plan_);
  }

 private:
  using Tables = std::vector<std::shared_ptr<const Table>>;

  // `part`: the key is only a part of the address (Table::takes_whole_keys_only).
  RemoteValue LookUp(absl::string_view setting, const Table& table, const std::string& key, bool part = false) {
    if (part && table.takes_whole_keys_only()) return std::nullopt;
    if (!table.remote().has_value()) {
      const std::optional<absl::string_view> value = table.Find(key);
      return value.has_value() ? std::optional<std::string>(*value) : std::nullopt;
    }
    RemoteValue value = answers_({.setting = setting, .table = &table, .key = key});
    if (!value.ok()) return Blame(setting, value.status());
    return value;
  }

  RemoteValue LookUp(absl::string_view setting, const Tables& tables, const std::string& key, bool part) {
    for (const auto& table : tables) {
      RemoteValue value = LookUp(setting, *table, key, part);
      if (!value.ok() || value->has_value()) return value;
    }
    return std::nullopt;
  }

  // cleanup(8) does the same to Postfix's own probes.
  absl::Status Rewrite() {
    RETURN_IF_ERROR(RewriteBy("recipient_canonical_maps", settings_.recipient_canonical_maps,
                              settings_.propagates_to_canonical, kMaxCanonicalSteps));
    RETURN_IF_ERROR(
        RewriteBy("canonical_maps", settings_.canonical_maps, settings_.propagates_to_canonical, kMaxCanonicalSteps));
    return RewriteBy(kAliasMaps, settings_.virtual_alias_maps, settings_.propagates_to_virtual, kMaxAliasSteps);
  }

  // Rewrites until nothing changes.
  absl::Status RewriteBy(absl::string_view setting, const Tables& tables, bool propagates, int steps) {
    if (tables.empty()) return absl::OkStatus();
    for (int step = 0; step < steps && !plan_.several && plan_.not_an_address.empty(); ++step) {
      ASSIGN_OR_RETURN(const bool changed, RewriteOnce(setting, tables, propagates));
      if (!changed) break;
    }
    return absl::OkStatus();
  }

  // Does what mail_addr_find(3) and mail_addr_map(3) of Postfix do.
  absl::StatusOr<bool> RewriteOnce(absl::string_view setting, const Tables& tables, bool propagates) {
    const Address& now = plan_.address;
    const size_t at = ExtensionAt(now.local(), settings_.recipient_delimiter);
    const std::string name = now.local().substr(0, at);
    const std::string extension = at == std::string::npos ? "" : now.local().substr(at);
    struct Key {
      std::string text;
      bool without_extension = false;
    };
    std::vector<Key> keys = {{now.Key()}};
    if (!extension.empty()) keys.push_back({absl::StrCat(name, "@", now.domain()), true});
    ASSIGN_OR_RETURN(const bool local, IsLocal(now));
    if (local) {
      keys.push_back({now.local()});
      if (!extension.empty()) keys.push_back({name, true});
    }
    keys.push_back({absl::StrCat("@", now.domain())});
    for (const Key& key : keys) {
      ASSIGN_OR_RETURN(const std::optional<std::string> value,
                       LookUp(setting, tables, key.text, /*part=*/&key != &keys.front()));
      if (!value.has_value()) continue;
      const bool unmatched = key.without_extension;
      return Become(setting, *value, unmatched ? name : now.local(), unmatched && propagates ? extension : "");
    }
    return false;
  }

  // Returns whether the local part alone is looked up, too.
  absl::StatusOr<bool> IsLocal(const Address& address) {
    if (address.domain() == settings_.myorigin || IsOurLiteral(address)) return true;
    return Has("mydestination", settings_.mydestination, address.domain());
  }
  // Looks in a list in which a domain stands for itself only.
  absl::StatusOr<bool> Has(absl::string_view setting, const DomainList& list, absl::string_view domain) {
    return list.ContainsExactly(domain,
                                [&](const Table& table, absl::string_view key) { return Has(setting, table, key); });
  }
  absl::StatusOr<bool> Has(absl::string_view setting, const Table& table, absl::string_view key) {
    ASSIGN_OR_RETURN(const std::optional<std::string> value, LookUp(setting, table, std::string(key)));
    return value.has_value();
  }
  bool IsOurLiteral(const Address& address) const {
    return address.domain_is_literal() && settings_.own_addresses.Contains(address.literal_ip());
  }

  // Returns false if the address stays what it is. canonical(5) takes the first of several targets.
  absl::StatusOr<bool> Become(absl::string_view setting, absl::string_view value, absl::string_view local,
                              absl::string_view extension) {
    const std::vector<absl::string_view> targets = SplitList(value);
    if (targets.empty()) return false;
    if (targets.size() > 1 && setting == kAliasMaps) {
      plan_.several = true;
      return false;
    }
    std::string target(targets.front());
    if (target.front() == '@') target = absl::StrCat(local, target);
    if (!absl::StrContains(target, '@')) absl::StrAppend(&target, "@", settings_.myorigin);
    if (!extension.empty()) target.insert(target.rfind('@'), extension.data(), extension.size());
    absl::StatusOr<Address> parsed = Address::FromUnquoted(target);
    if (!parsed.ok()) {
      plan_.not_an_address = target;
      return false;
    }
    if (parsed->Key() == plan_.address.Key()) return false;
    plan_.address = *std::move(parsed);
    return true;
  }

  absl::Status FindTransport() {
    transport_ = settings_.default_transport;
    if (!settings_.route_service.empty()) return AskService();
    RETURN_IF_ERROR(FindByClass());
    const std::string quoted = absl::AsciiStrToLower(plan_.address.ToSmtp());
    const std::vector<std::string> keys = TransportTable::KeysFor(plan_.address, settings_.recipient_delimiter);
    for (const std::string& key : keys) {
      // Postfix asks patterns for "*", too.
      const bool part = key != keys.front() && key != quoted && key != "*";
      for (const auto& table : settings_.transport_maps) {
        ASSIGN_OR_RETURN(const std::optional<std::string> value, LookUp(kTransportMaps, *table->table(), key, part));
        if (!value.has_value()) continue;
        absl::StatusOr<Transport> said = table->ParseValue(key, *value);
        if (!said.ok()) return Blame(absl::StrCat(kTransportMaps, ": ", table->table()->spec()), said.status());
        Take(*std::move(said));
        return absl::OkStatus();
      }
    }
    return absl::OkStatus();
  }

  absl::Status FindByClass() {
    const std::string& domain = plan_.address.domain();
    ASSIGN_OR_RETURN(bool is, Has("mydestination", settings_.mydestination, domain));
    if (is || IsOurLiteral(plan_.address)) {
      transport_ = settings_.local_transport;
      off_host_ = false;
      plan_.setting = "local_transport";
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(is, Has("virtual_alias_domains", settings_.virtual_alias_domains, domain));
    if (is) {
      transport_ = Transport();
      transport_.kind = Transport::Kind::kError;
      transport_.argument = "5.1.1 User unknown in virtual alias table";
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(is, Has("virtual_mailbox_domains", settings_.virtual_mailbox_domains, domain));
    if (is) {
      transport_ = settings_.virtual_transport;
      off_host_ = false;
      plan_.setting = "virtual_transport";
      return absl::OkStatus();
    }
    const auto ask = [&](const Table& table, absl::string_view key) { return Has("relay_domains", table, key); };
    ASSIGN_OR_RETURN(is, settings_.relay_domains.Contains(plan_.address, ask));
    plan_.setting = is ? "relay_transport" : "default_transport";
    if (is) transport_ = settings_.relay_transport;
    return absl::OkStatus();
  }

  // Takes what transport_maps say.
  void Take(Transport said) {
    if (!said.name.empty()) {
      // "smtp:" without a next hop means the MX of the domain, whatever the relayhost.
      off_host_ = false;
      transport_ = std::move(said);
    } else if (said.next_hop.given()) {
      // The value gives only a next hop; ":" gives nothing.
      transport_.next_hop = std::move(said.next_hop);
    } else {
      return;
    }
    plan_.setting = kTransportMaps;
  }

  absl::Status AskService() {
    RemoteValue said = answers_({.setting = kRouteService, .table = nullptr, .key = plan_.address.Key()});
    if (!said.ok()) return Blame(kRouteService, said.status());
    const std::string route = said->value_or("");
    const size_t colon = route.find(':');
    const std::string next_hop = colon == std::string::npos ? "" : route.substr(colon + 1);
    // For a domain that is not routed the service gives the domain as next hop.
    const bool by_domain = absl::EqualsIgnoreCase(next_hop, plan_.address.domain());
    absl::StatusOr<Transport> parsed =
        Transport::Parse(absl::StrCat(route.substr(0, colon), ":", by_domain ? "" : next_hop),
                         settings_.transport_names, /*colon_needed=*/true);
    if (!parsed.ok()) return Blame(kRouteService, parsed.status());
    transport_ = *std::move(parsed);
    off_host_ = false;
    plan_.setting = kRouteService;
    return absl::OkStatus();
  }

  absl::StatusOr<NextHop> Relayhost() {
    if (!settings_.relayhost_maps.empty()) {
      const size_t at = sender_.rfind('@');
      // empty_address_relayhost_maps_lookup_key
      std::vector<std::string> keys = {sender_.empty() ? "<>" : std::string(sender_)};
      if (at != absl::string_view::npos) keys.emplace_back(sender_.substr(at));
      for (const std::string& key : keys) {
        ASSIGN_OR_RETURN(const std::optional<std::string> value,
                         LookUp(kRelayhostMaps, settings_.relayhost_maps, key, /*part=*/key != keys.front()));
        if (!value.has_value()) continue;
        if (absl::EqualsIgnoreCase(*value, "DUNNO")) break;
        plan_.setting = kRelayhostMaps;
        absl::StatusOr<NextHop> hop = NextHop::Parse(*value);
        if (!hop.ok()) return Blame(kRelayhostMaps, hop.status());
        return hop;
      }
    }
    if (!settings_.relayhost.ok()) return Blame(kRelayhost, settings_.relayhost.status());
    if (settings_.relayhost->given()) plan_.setting = kRelayhost;
    return settings_.relayhost;
  }

  absl::Status FollowLmtp() {
    plan_.hop = std::move(transport_.next_hop);
    plan_.path = InQueueDirectory(transport_.path, settings_);
    plan_.protocol = Protocol::kLmtp;
    plan_.configured = true;
    if (!plan_.path.empty() || plan_.hop.given()) return absl::OkStatus();
    if (off_host_) {
      ASSIGN_OR_RETURN(plan_.hop, Relayhost());
    }
    if (!plan_.hop.given()) {
      ASSIGN_OR_RETURN(plan_.hop, NextHop::Parse(plan_.address.domain()));
    }
    plan_.hop.by_mx = false;
    for (NextHop& other : plan_.hop.others) other.by_mx = false;
    return absl::OkStatus();
  }

  // Goes where the transport leads.
  absl::Status Follow() {
    if (const auto special = settings_.transports.find(transport_.name); special != settings_.transports.end()) {
      plan_.transport = transport_.name;
      plan_.special = special->second;
    }
    if (transport_.kind == Transport::Kind::kLmtp && plan_.special == nullptr) plan_.special = settings_.lmtp;
    switch (transport_.kind) {
      case Transport::Kind::kBroken:
        return Blame(plan_.setting, absl::InvalidArgumentError(transport_.argument));
      case Transport::Kind::kSmtp:
        plan_.hop = std::move(transport_.next_hop);
        if (!plan_.hop.given() && off_host_) {
          ASSIGN_OR_RETURN(plan_.hop, Relayhost());
        }
        plan_.configured = plan_.hop.given();
        if (!plan_.configured) plan_.setting = "";
        break;
      case Transport::Kind::kLmtp:
        return FollowLmtp();
      case Transport::Kind::kVerify:
        plan_.stock_verify = InQueueDirectory(transport_.path, settings_);
        break;
      case Transport::Kind::kError:
      case Transport::Kind::kRetry:
        plan_.refusal = std::move(transport_);
        break;
      case Transport::Kind::kOther:
        plan_.not_verifiable = transport_.name;
        break;
    }
    return absl::OkStatus();
  }

  const absl::string_view sender_;
  const ProbeSettings& settings_;
  const RemoteAnswers answers_;
  RoutePlan plan_;
  Transport transport_;
  bool off_host_ = true;  // a relayhost counts
};

}  // namespace

std::string RoutePlan::ToString() const {
  std::string text =
      absl::StrCat(address.Key(), several ? " several" : "", not_an_address.empty() ? "" : " is ", not_an_address,
                   configured ? " configured " : " ", hop.ToString(), protocol == Protocol::kLmtp ? " lmtp " : " ",
                   path, " ", stock_verify, " ", not_verifiable, transport.empty() ? "" : " by ", transport);
  if (refusal.has_value()) absl::StrAppend(&text, " ", refusal->name, ":", refusal->argument);
  return text;
}

absl::StatusOr<RoutePlan> PlanRoute(const Address& address, absl::string_view sender, const ProbeSettings& settings,
                                    RemoteAnswers answers) {
  return Planner(sender, settings, answers).Plan(address);
}

std::string RouteSketch(const Address& address, absl::string_view sender, const ProbeSettings& settings) {
  std::string asked;
  const absl::StatusOr<RoutePlan> plan =
      PlanRoute(address, sender, settings, [&](const RemoteLookUp& look_up) -> RemoteValue {
        absl::StrAppend(&asked, " ", look_up.table != nullptr ? look_up.table->spec() : settings.route_service);
        if (look_up.table == nullptr) return absl::StrCat("smtp:", address.domain());
        return std::nullopt;
      });
  return absl::StrCat(plan.ok() ? plan->ToString() : std::string(plan.status().message()), asked);
}

}  // namespace verifyd
