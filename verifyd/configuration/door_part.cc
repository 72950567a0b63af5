#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "verifyd/configuration/parts.h"
#include "verifyd/door/door_table.h"
#include "verifyd/door/listener.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {
namespace {

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

// The settings of a door (door/door_table.h).
struct DoorNames {
  absl::string_view door;
  ListSetting listen;
  NumberSetting connection_limit;
  NumberSetting request_rate_limit;
};
constexpr DoorNames kDoors[] = {
    {"policy", "policy_listen", "policy_connection_limit", "policy_request_rate_limit"},
    {"verify", "verify_listen", "verify_connection_limit", "verify_request_rate_limit"},
    {"milter", "milter_listen", "milter_connection_limit", "milter_request_rate_limit"},
    {"socketmap", "socketmap_listen", "socketmap_connection_limit", "socketmap_request_rate_limit"},
    {"tcp_table", "tcp_table_listen", "tcp_table_connection_limit", "tcp_table_request_rate_limit"},
    {"line", "line_listen", "line_connection_limit", "line_request_rate_limit"},
};

DoorConfiguration DoorFor(const Draft& draft, const DoorNames& names) {
  const Settings& settings = draft.settings;
  DoorConfiguration configuration;
  for (const std::string& item : settings.List(names.listen)) {
    absl::StatusOr<ListenAddress> address = ListenAddress::Parse(item);
    if (!address.ok()) {
      draft.faults.Add(names.listen, address.status());
    } else if (address->BeyondLoopback() && !settings.YesNo("listen_beyond_loopback")) {
      draft.faults.Add(names.listen, absl::InvalidArgumentError(absl::StrCat(
                                         "found ", address->ToString(), ", which other machines may reach, ",
                                         "expected a loopback address, or listen_beyond_loopback = yes")));
    } else {
      configuration.listen.push_back(*std::move(address));
    }
  }
  configuration.limits.connections = static_cast<size_t>(settings.Number(names.connection_limit));
  configuration.limits.requests_per_second = static_cast<double>(settings.Number(names.request_rate_limit));
  return configuration;
}

}  // namespace

void FillDoors(const Draft& draft) {
  const Settings& settings = draft.settings;
  Configuration& configuration = draft.configuration;
  FillVerifyDoor(settings, configuration);
  for (const DoorRow& row : DoorTable()) {
    const auto names = absl::c_find_if(kDoors, [&](const DoorNames& of) { return of.door == row.name; });
    configuration.doors.push_back(names == std::end(kDoors) ? DoorConfiguration{} : DoorFor(draft, *names));
  }
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

}  // namespace verifyd
