#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/network.h"
#include "verifyd/configuration/parts.h"

namespace verifyd {
namespace {

std::vector<std::string> BindAddresses(const Settings& settings, Faults& faults, ListSetting setting, bool ipv6) {
  std::vector<std::string> addresses = settings.List(setting);
  for (const std::string& address : addresses) {
    if (IsIpAddress(address) && absl::StrContains(address, ':') == ipv6) continue;
    faults.Add(setting, UnexpectedValue(address, ipv6 ? "IPv6 addresses of ours" : "IPv4 addresses of ours"));
  }
  return addresses;
}

void FillTls(const Draft& draft, ProbeSettings& probe) {
  const Settings& settings = draft.settings;
  probe.tls_level = *TlsLevelFromName(settings.Text("smtp_tls_security_level"));
  // A policy of Postfix's that is none of ours (fingerprint) is told where it is needed.
  const bool lenient = draft.of_transport || settings.IsFromPostfix("smtp_tls_policy_maps");
  const auto load = [&](absl::string_view spec) {
    return Table::Load(
        spec, [&](absl::string_view value) { return lenient ? absl::OkStatus() : TlsPolicy::Parse(value).status(); });
  };
  probe.tls_policy_maps = TablesOf(draft, "smtp_tls_policy_maps", load);
}

void FillTimeouts(const Settings& settings, ProbeSettings& probe) {
  probe.starttls_timeout = settings.Time("smtp_starttls_timeout");
  probe.data_init_timeout = settings.Time("smtp_data_init_timeout");
  probe.connect_timeout = settings.Time("smtp_connect_timeout");
  probe.helo_timeout = settings.Time("smtp_helo_timeout");
  probe.mail_timeout = settings.Time("smtp_mail_timeout");
  probe.rcpt_timeout = settings.Time("smtp_rcpt_timeout");
  probe.rset_timeout = settings.Time("smtp_rset_timeout");
  probe.quit_timeout = settings.Time("smtp_quit_timeout");
}

}  // namespace

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
  FillTls(draft, probe);
  probe.smtp_asks_data = settings.Text("smtp_address_verify_target") == "data";
  probe.lmtp_asks_data = settings.Text("lmtp_address_verify_target") == "data";
  FillTimeouts(settings, probe);
  probe.skip_5xx_greeting = settings.YesNo("smtp_skip_5xx_greeting");
}

}  // namespace verifyd
