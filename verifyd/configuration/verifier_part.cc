#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "mail/address.h"
#include "mail/probe_sender.h"
#include "tables/domain_list.h"
#include "verifyd/configuration/parts.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {
namespace {

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
  const auto add = [&](ListSetting list) { domains.Append(DomainsOf(draft, "verify_domains", list)); };
  if (!settings.IsSet("verify_domains")) {
    add("virtual_alias_domains");
    if (probe.virtual_transport.kind != Transport::Kind::kOther) add("virtual_mailbox_domains");
    if (probe.local_transport.kind != Transport::Kind::kOther) add("mydestination");
  }
  const bool of_postfix = settings.IsFromPostfix(settings.Origin("address_verify_transport_maps"));
  domains.AddRoutes(probe.transport_maps, /*only_elsewhere=*/of_postfix);
  return domains;
}

}  // namespace

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

}  // namespace verifyd
