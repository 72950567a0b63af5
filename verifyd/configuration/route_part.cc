#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/input_file.h"
#include "base/network.h"
#include "base/status_macros.h"
#include "mail/address.h"
#include "verifyd/configuration/parts.h"

namespace verifyd {
namespace {

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
absl::StatusOr<std::string> ServicePath(const Settings& settings, Setting setting) {
  const std::string service = settings.Text(setting);
  absl::string_view path = service;
  if (!service.empty() && (!absl::ConsumePrefix(&path, "unix:") || path.empty())) {
    return UnexpectedValue(service, "unix:PATH");
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

void AssignTransport(const Draft& draft, Setting setting, const TransportNames& names, Transport& transport) {
  const std::string text = draft.settings.Text(setting);
  absl::StatusOr<Transport> parsed = Transport::Parse(text, names, /*colon_needed=*/false);
  if (parsed.ok()) {
    transport = *std::move(parsed);
  } else if (!IsFault(draft, setting, text, parsed.status(), kBroken)) {
    transport = {.kind = Transport::Kind::kBroken, .argument = std::string(parsed.status().message())};
  }
}

// Of the classes of domains, each its own.
void AssignTransports(const Draft& draft, ProbeSettings& probe) {
  AssignTransport(draft, "address_verify_local_transport", probe.transport_names, probe.local_transport);
  AssignTransport(draft, "address_verify_virtual_transport", probe.transport_names, probe.virtual_transport);
  AssignTransport(draft, "address_verify_relay_transport", probe.transport_names, probe.relay_transport);
  AssignTransport(draft, "address_verify_default_transport", probe.transport_names, probe.default_transport);
}

}  // namespace

void FillRoutes(const Draft& draft, ProbeSettings& probe) {
  const Settings& settings = draft.settings;
  Faults& faults = draft.faults;
  probe.transport_names = TransportNamesOf(settings);
  AssignTransports(draft, probe);
  probe.transport_maps = TransportTablesOf(draft, "address_verify_transport_maps", probe.transport_names);
  probe.recipient_canonical_maps = TablesOf(draft, "recipient_canonical_maps");
  probe.canonical_maps = TablesOf(draft, "canonical_maps");
  probe.virtual_alias_maps = TablesOf(draft, "virtual_alias_maps");
  probe.recipient_delimiter = settings.Text("recipient_delimiter");
  const std::vector<std::string> propagating = settings.List("propagate_unmatched_extensions");
  probe.propagates_to_canonical = absl::c_linear_search(propagating, "canonical");
  probe.propagates_to_virtual = absl::c_linear_search(propagating, "virtual");
  probe.relayhost_maps = TablesOf(draft, "address_verify_sender_dependent_relayhost_maps");
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

}  // namespace verifyd
