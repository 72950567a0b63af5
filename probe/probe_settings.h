// The operator's settings for the prober: values only, already checked. A reload makes a new object.
//
// Thread: any (immutable; shared between loops by shared_ptr).
#ifndef VERIFYD_PROBE_PROBE_SETTINGS_H_
#define VERIFYD_PROBE_PROBE_SETTINGS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/network.h"
#include "dns/mail_hosts.h"
#include "probe/pace.h"
#include "probe/unknown_shares.h"
#include "stream/dialer.h"
#include "stream/tls_policy.h"
#include "tables/domain_list.h"
#include "tables/transport_table.h"

namespace verifyd {

// Which IP version is tried first among equal preferences (smtp_address_preference).
enum class AddressPreference : uint8_t { kAny, kIpv4, kIpv6 };

class DestinationSettings;

struct ProbeSettings {
  std::string myhostname;
  uint16_t smtp_tcp_port = 25;
  uint16_t lmtp_tcp_port = 24;
  std::string myorigin;
  std::string queue_directory;  // of Postfix; unix:private/... of its tables lies in it

  // Address classes (ADDRESS_CLASS_README), and how each is probed (address_verify_*_transport).
  DomainList mydestination;
  DomainList virtual_alias_domains;
  DomainList virtual_mailbox_domains;
  DomainList relay_domains;
  Transport local_transport = {.kind = Transport::Kind::kOther, .name = "local"};
  Transport virtual_transport = {.kind = Transport::Kind::kOther, .name = "virtual"};
  Transport relay_transport = {.name = "relay"};
  Transport default_transport = {.name = "smtp"};
  // address_verify_relayhost, and by the probe's sender. An error: the value that Postfix has is not understood.
  absl::StatusOr<NextHop> relayhost = NextHop();
  std::vector<std::shared_ptr<const Table>> relayhost_maps;
  TransportNames transport_names = {.smtp = {"smtp", "relay"}};
  // Settings of single transports, by name (-o in master.cf), without those that route addresses.
  absl::flat_hash_map<std::string, std::shared_ptr<const ProbeSettings>> transports;
  // Settings of all transports that speak LMTP (lmtp_... in main.cf); null: the general ones.
  std::shared_ptr<const ProbeSettings> lmtp;
  // address_verify_transport_maps, loaded; each key is looked up in all of them, in order.
  std::vector<std::shared_ptr<const TransportTable>> transport_maps;
  // Applied to the address before it is routed, as Postfix does to its own probes.
  std::vector<std::shared_ptr<const Table>> recipient_canonical_maps;
  std::vector<std::shared_ptr<const Table>> canonical_maps;
  std::vector<std::shared_ptr<const Table>> virtual_alias_maps;
  std::string recipient_delimiter;
  // The table's result gets the extension that the table did not match (propagate_unmatched_extensions).
  bool propagates_to_canonical = true;
  bool propagates_to_virtual = true;
  // Path of proxymap(8)'s socket, for tables that only Postfix can read.
  std::string proxymap_service;
  // Path of trivial-rewrite(8)'s socket; where it is set, it routes instead of the settings above, except the maps that
  // rewrite.
  std::string route_service;

  // A name that must resolve before we believe DNS that something does not exist (dns_canary); empty: none.
  std::string dns_canary;

  NetworkList own_addresses;  // inet_interfaces, proxy_interfaces
  AddressPreference address_preference = AddressPreference::kAny;
  bool balance_families = true;  // smtp_balance_inet_protocols
  NetworkList permit_networks;   // probe_permit_networks
  AddressFamilies families;      // inet_protocols

  int mx_address_limit = 5;
  int mx_session_limit = 2;
  PaceLimits public_pace = {.connections = 2, .connections_per_second = 5};
  PaceLimits configured_pace = {.connections = 20, .least_questions_per_second = 1};  // of routes the operator gave
  UnknownBudget unknown_budget = {.number = 200};                                     // of each public domain
  size_t session_limit = 10000;                                                       // of each prober loop
  size_t in_the_air_limit = 20000;  // of which a destination has its share
  // Settings of single destinations; null: none.
  std::shared_ptr<const DestinationSettings> destinations;
  // Our addresses to ask from; none: the system chooses (smtp_bind_address, smtp_bind_address6).
  std::vector<std::string> bind_addresses;
  std::vector<std::string> bind_addresses6;
  // HELO name and sender of this destination or transport; none: the question's.
  std::string helo;
  std::optional<std::string> sender;
  // Recipients a transaction at most (smtp_destination_recipient_limit); 0: no limit.
  size_t destination_recipient_limit = 50;
  // How long a connection without work stays open, and how old one that works may become
  // (smtp_connection_cache_time_limit, smtp_connection_reuse_time_limit).
  absl::Duration connection_idle_time = absl::Seconds(2);
  absl::Duration connection_reuse_time_limit = absl::Seconds(300);

  TlsLevel tls_level = TlsLevel::kMay;
  // smtp_tls_policy_maps: the policy of a next hop, before tls_level; asked in order.
  std::vector<std::shared_ptr<const Table>> tls_policy_maps;
  bool dns_trust_ad = false;  // the resolver validates, and the way to it is safe
  // smtp_address_verify_target = data, lmtp_address_verify_target = data.
  bool smtp_asks_data = false;
  bool lmtp_asks_data = false;
  bool AsksData(Protocol protocol) const { return protocol == Protocol::kLmtp ? lmtp_asks_data : smtp_asks_data; }
  bool skip_5xx_greeting = true;

  // Stage time-outs, Postfix's names and defaults.
  absl::Duration connect_timeout = absl::Seconds(30);
  absl::Duration helo_timeout = absl::Seconds(300);
  absl::Duration starttls_timeout = absl::Seconds(300);
  absl::Duration mail_timeout = absl::Seconds(300);
  absl::Duration rcpt_timeout = absl::Seconds(300);
  absl::Duration data_init_timeout = absl::Seconds(120);
  absl::Duration rset_timeout = absl::Seconds(20);
  absl::Duration quit_timeout = absl::Seconds(300);

  // Returns a copy without the settings that find a route, which are large. It serves probes whose route is found.
  ProbeSettings WithoutRouting() const {
    ProbeSettings settings = *this;
    settings.mydestination = settings.virtual_alias_domains = settings.virtual_mailbox_domains =
        settings.relay_domains = DomainList();
    settings.transport_maps.clear();
    settings.transports.clear();
    settings.lmtp = nullptr;
    return settings;
  }
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PROBE_SETTINGS_H_
