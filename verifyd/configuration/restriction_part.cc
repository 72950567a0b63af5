#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/network.h"
#include "base/status_macros.h"
#include "classifier/reason.h"
#include "tables/table.h"
#include "tables/table_text.h"
#include "verifyd/configuration/parts.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {
namespace {

Disclosure DisclosureOf(const Settings& settings) {
  const std::string disclosed = settings.Text("disclose_probe_details");
  return disclosed == "yes" ? Disclosure::kYes : disclosed == "no" ? Disclosure::kNo : Disclosure::kPublic;
}

// Settings that recipients and senders have alike.
struct RoleNames {
  NumberSetting reject_code;
  NumberSetting defer_code;
  Setting reject_reason;
  Setting tempfail_action;
};
constexpr RoleNames kOfRecipients = {"unverified_recipient_reject_code", "unverified_recipient_defer_code",
                                     "unverified_recipient_reject_reason", "unverified_recipient_tempfail_action"};
constexpr RoleNames kOfSenders = {"unverified_sender_reject_code", "unverified_sender_defer_code",
                                  "unverified_sender_reject_reason", "unverified_sender_tempfail_action"};

UnverifiedSettings UnverifiedFor(const Settings& settings, const RoleNames& names) {
  UnverifiedSettings unverified;
  unverified.reject_code = static_cast<int>(settings.Number(names.reject_code));
  unverified.defer_code = static_cast<int>(settings.Number(names.defer_code));
  unverified.reject_reason = settings.Text(names.reject_reason);
  unverified.disclosure = DisclosureOf(settings);
  unverified.defer_if_permit = settings.Text(names.tempfail_action) == "defer_if_permit";
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
    if (!reason.has_value()) return UnexpectedValue(name, "a reason");
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
  const auto code = [&](NumberSetting setting) { return static_cast<int>(settings.Number(setting)); };
  return {.reject = code("reject_code"),
          .defer = code("defer_code"),
          .access_map_reject = code("access_map_reject_code"),
          .access_map_defer = code("access_map_defer_code"),
          .invalid_hostname_reject = code("invalid_hostname_reject_code"),
          .non_fqdn_reject = code("non_fqdn_reject_code"),
          .unknown_address_reject = code("unknown_address_reject_code"),
          .maps_rbl_reject = code("maps_rbl_reject_code")};
}

// Fills in recipient_restrictions, sender_restrictions, and NAME_restrictions of every class.
void FillLists(const Draft& draft, RestrictionSettings& restrictions) {
  const Settings& settings = draft.settings;
  absl::flat_hash_map<std::string, std::vector<std::string>> items;
  const std::vector<RestrictionClass> classes = settings.Classes();
  for (const RestrictionClass& one : classes) {
    if (one.list.has_value()) {
      items[one.name] = settings.List(*one.list);
    } else {
      items[one.name] = {};
      draft.faults.Add("restriction_classes",
                       UnexpectedValue(one.name, absl::StrCat(one.name, "_restrictions as well")));
    }
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
  for (const RestrictionClass& one : classes) {
    draft.faults.Assign(restrictions.classes[one.name], one.list.value_or(ListSetting("restriction_classes")),
                        reader.ReadClass(one.name));
  }
}

// Reads an item as Postfix does: /PATH stands for the content of that file.
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

NetworkList NetworksOf(const Draft& draft, ListSetting setting) {
  std::string networks;
  for (const std::string& item : draft.settings.List(setting)) {
    const absl::StatusOr<std::string> usable = NetworksIn(item);
    if (usable.ok()) {
      absl::StrAppend(&networks, " ", *usable);
    } else {
      (void)IsFault(draft, setting, item, usable.status(), kLeftOut);
    }
  }
  return NetworkList::Parse(networks).value_or(NetworkList());
}

// Fills in the domains, senders and clients that restrictions are about.
void FillConcerned(const Draft& draft, RestrictionSettings& restrictions) {
  const Settings& settings = draft.settings;
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
}

}  // namespace

void FillRestrictions(const Draft& draft) {
  const Settings& settings = draft.settings;
  Configuration& configuration = draft.configuration;
  RestrictionSettings restrictions{
      .codes = CodesOf(settings),
      .recipient = UnverifiedFor(settings, kOfRecipients),
      .sender = UnverifiedFor(settings, kOfSenders),
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
  FillConcerned(draft, restrictions);
  if (restrictions.recipient.reject_code / 100 == 4) {
    draft.Warn(
        "known-bad recipients are deferred, not rejected; set unverified_recipient_reject_code = 550 when you trust "
        "it");
  }
  configuration.restrictions = std::make_shared<const RestrictionSettings>(std::move(restrictions));
}

}  // namespace verifyd
