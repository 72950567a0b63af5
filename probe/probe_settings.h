// What the prober is told by the operator: values only, already checked. A reload makes a new one.
//
// Thread: any (immutable; shared between loops by shared_ptr).
#ifndef VERIFYD_PROBE_PROBE_SETTINGS_H_
#define VERIFYD_PROBE_PROBE_SETTINGS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "dns/mail_hosts.h"
#include "probe/dialer.h"
#include "probe/network.h"
#include "probe/transport_table.h"

namespace verifyd {

// Whether probes are encrypted (smtp_tls_security_level).
enum class TlsLevel : uint8_t {
  kNone,
  kMay,      // where it is offered; in clear where it fails
  kEncrypt,  // always, or not at all
};

struct ProbeSettings {
  std::string myhostname;
  uint16_t smtp_tcp_port = 25;
  // address_verify_relayhost: "", "host", "[host]", "[host]:port".
  NextHop relayhost;
  // address_verify_transport_maps, loaded; looked up in order.
  std::vector<std::shared_ptr<const TransportTable>> transport_maps;
  NetworkList permit_networks;  // probe_permit_networks
  AddressFamilies families;     // inet_protocols

  int mx_address_limit = 5;
  int mx_session_limit = 2;
  int destination_concurrency = 2;              // public routes
  int configured_destination_concurrency = 20;  // routes the operator gave
  // Recipients a transaction at most (smtp_destination_recipient_limit); 0: no limit.
  size_t destination_recipient_limit = 50;
  // How long a connection without work stays open, and how old one that works may become
  // (smtp_connection_cache_time_limit, smtp_connection_reuse_time_limit).
  absl::Duration connection_idle_time = absl::Seconds(2);
  absl::Duration connection_reuse_time_limit = absl::Seconds(300);

  TlsLevel tls_level = TlsLevel::kMay;
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
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PROBE_SETTINGS_H_
