#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/network.h"
#include "probe/destination_settings.h"
#include "verifyd/configuration/parts.h"

namespace verifyd {
namespace {

// What this process may open, but for what doors and files need.
size_t SessionLimit(size_t wanted) {
  constexpr rlim_t kOthers = 1100;
  rlimit descriptors = {};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0 || descriptors.rlim_max == RLIM_INFINITY) return wanted;
  return std::min<size_t>(
      wanted, descriptors.rlim_cur > 2 * kOthers ? descriptors.rlim_cur - kOthers : descriptors.rlim_cur / 2);
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

}  // namespace

absl::StatusOr<std::shared_ptr<const DestinationSettings>> DestinationsFor(const Settings& settings,
                                                                           const ProbeSettings& probe) {
  const std::string table = settings.Text("destination_settings");
  if (table.empty()) return nullptr;
  return DestinationSettings::Load(table, probe);
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

}  // namespace verifyd
