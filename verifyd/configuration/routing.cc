#include "verifyd/configuration/routing.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

namespace verifyd {
namespace {

// What RouteSketch depends on, and whose domains are ours.
constexpr Setting kRouteSettings[] = {
    "address_verify_default_transport",
    "address_verify_local_transport",
    "address_verify_relay_transport",
    "address_verify_relayhost",
    "address_verify_route_service",
    "address_verify_sender",
    "address_verify_sender_dependent_relayhost_maps",
    "address_verify_transport_maps",
    "address_verify_virtual_transport",
    "canonical_maps",
    "mydestination",
    "myorigin",
    "parent_domain_matches_subdomains",
    "probe_smtp_transports",
    "propagate_unmatched_extensions",
    "queue_directory",
    "recipient_canonical_maps",
    "recipient_delimiter",
    "relay_domains",
    "verify_domains",
    "virtual_alias_domains",
    "virtual_alias_maps",
    "virtual_mailbox_domains",
};

// What decides beside the route whether it leads back to us, inside, or nowhere.
constexpr Setting kSurroundings[] = {
    "inet_interfaces",       "inet_protocols",   "lmtp_tcp_port",  "myhostname",    "postfix_proxymap_service",
    "probe_permit_networks", "proxy_interfaces", "smtp_helo_name", "smtp_tcp_port",
};

// Whether a setting that routes depend on names the file.
bool IsRouteFile(const Settings& settings, const TableFile& file) {
  return absl::c_any_of(kRouteSettings,
                        [&](Setting setting) { return absl::StrContains(settings.Text(setting), file.path); });
}

std::string TextOf(const Settings& settings, absl::Span<const Setting> some) {
  std::string text;
  for (const Setting one : some) absl::StrAppend(&text, one.name(), " = ", settings.Text(one), "\n");
  return text;
}

// The transports of Postfix's master.cf, and whether each speaks LMTP; their options lead nowhere else.
std::string TransportsOf(const Settings& settings) {
  std::string text;
  if (settings.postfix() == nullptr) return text;
  for (const PostfixTransport& transport : settings.postfix()->transports) {
    absl::StrAppend(&text, transport.name, transport.lmtp ? " lmtp" : " smtp", "\n");
  }
  return text;
}

}  // namespace

std::shared_ptr<const Routing> RoutingOf(const Configuration& configuration) {
  const Settings& settings = *configuration.settings;
  Routing routing{.verifier = configuration.verifier, .probe = configuration.probe};
  routing.text = absl::StrCat(TextOf(settings, kRouteSettings), TransportsOf(settings));
  for (const TableFile& file : configuration.table_files) {
    if (!IsRouteFile(settings, file)) continue;
    const FileMark& mark = file.mark;
    absl::StrAppend(&routing.text, file.path, " ", mark.size, " ", mark.modified, "\n");
    absl::StrAppend(&routing.files, file.path, " ", mark.device, " ", mark.inode, " ", mark.changed, "\n");
  }
  routing.surroundings = TextOf(settings, kSurroundings);
  return std::make_shared<const Routing>(std::move(routing));
}

}  // namespace verifyd
