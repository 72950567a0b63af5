#include "verifyd/configuration/draft.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/text.h"
#include "mail/address.h"

namespace verifyd {
namespace {

// The tables that a setting names; in the place of one of Postfix's that can not be had stands what `broken` makes.
template <typename T, typename Load, typename Broken>
std::vector<std::shared_ptr<const T>> TablesBy(const Draft& draft, ListSetting setting, Load load, Broken broken) {
  std::vector<std::shared_ptr<const T>> tables;
  // Of what Postfix has there nothing is known, which is not the same as nothing.
  const bool unknown = draft.settings.postfix() == nullptr && !draft.settings.postfix_error().empty();
  if (const Setting origin = draft.settings.Origin(setting);
      unknown && IsTakenFromPostfix(origin) && !draft.settings.IsSet(origin)) {
    tables.push_back(broken(origin.name(), absl::UnavailableError(draft.settings.postfix_error())));
  }
  for (const std::string& spec : draft.settings.List(setting)) {
    absl::StatusOr<std::shared_ptr<const T>> loaded = load(spec);
    if (loaded.ok()) {
      tables.push_back(*std::move(loaded));
    } else if (!IsFault(draft, setting, spec, loaded.status(), kBroken)) {
      tables.push_back(broken(spec, loaded.status()));
    }
  }
  return tables;
}

// Lists that decide about routes: their tables may be such as a server is asked for.
bool IsOfRoutes(Setting setting) {
  constexpr Setting kLists[] = {"mydestination", "relay_domains", "virtual_alias_domains", "virtual_mailbox_domains"};
  return absl::c_linear_search(kLists, setting);
}

// Whether a domain stands for what is below it is Postfix's to say where the list is Postfix's.
DomainList::Below BelowIn(const Settings& settings, Setting list) {
  constexpr Setting kRelayDomains = "relay_domains";
  const bool of_relay = settings.Origin(list) == kRelayDomains;
  if (IsOfRoutes(list) && list != kRelayDomains) return DomainList::Below::kNone;
  if (!of_relay || absl::c_linear_search(settings.List("parent_domain_matches_subdomains"), kRelayDomains.name())) {
    return DomainList::Below::kAll;
  }
  return DomainList::Below::kDotted;
}

}  // namespace

void Faults::Add(Setting setting, const absl::Status& fault) {
  const Setting origin = settings_.Origin(setting);
  if (settings_.IsFromPostfix(origin)) {
    const auto same = [&](const auto& other) { return other.first == origin; };
    if (absl::c_none_of(of_postfix_, same)) of_postfix_.emplace_back(origin, fault.message());
    return;
  }
  std::string line = absl::StrCat(settings_.Source(origin), ": ", origin.name(), ": ", fault.message());
  if (!absl::c_linear_search(errors_, line)) errors_.push_back(std::move(line));
}

absl::StatusOr<std::shared_ptr<const Table>> TableShelf::Load(absl::string_view spec) {
  const auto found = tables_.find(spec);
  if (found != tables_.end()) return found->second;
  return tables_.emplace(spec, Table::Load(spec)).first->second;
}

void Draft::Warn(std::string warning) const {
  std::vector<std::string>& all = configuration.warnings;
  if (!absl::c_linear_search(all, warning)) all.push_back(std::move(warning));
}

absl::Status UnexpectedValue(absl::string_view found, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(found, 100), "\", expected ", expected));
}

bool IsFault(const Draft& draft, Setting setting, absl::string_view item, const absl::Status& status,
             absl::string_view outcome) {
  const Setting origin = draft.settings.Origin(setting);
  if (!draft.settings.IsFromPostfix(origin) && !draft.of_transport) {
    draft.faults.Add(setting, status);
    return true;
  }
  draft.Warn(absl::StrCat(draft.settings.Source(origin), ": ", origin.name(), ": ", Printable(item, 200), ": ",
                          status.message(), "; ", outcome));
  return false;
}

std::vector<std::shared_ptr<const Table>> TablesOf(const Draft& draft, ListSetting setting, LoadTable load) {
  return TablesBy<Table>(draft, setting, load, Table::Broken);
}

std::vector<std::shared_ptr<const Table>> TablesOf(const Draft& draft, ListSetting setting) {
  return TablesOf(draft, setting, [&](absl::string_view spec) { return draft.shelf.Load(spec); });
}

std::vector<std::shared_ptr<const TransportTable>> TransportTablesOf(const Draft& draft, ListSetting setting,
                                                                     const TransportNames& names) {
  const bool of_postfix = draft.settings.IsFromPostfix(draft.settings.Origin(setting));
  const auto load = [&](absl::string_view spec) {
    std::vector<absl::Status> faults;
    auto table = TransportTable::Load(spec, names, of_postfix ? &faults : nullptr);
    constexpr size_t kTold = 5;
    for (size_t i = 0; i < std::min(faults.size(), kTold); ++i) (void)IsFault(draft, setting, spec, faults[i], kBroken);
    return table;
  };
  return TablesBy<TransportTable>(draft, setting, load, TransportTable::Broken);
}

DomainList DomainsOf(const Draft& draft, ListSetting setting, ListSetting list) {
  constexpr absl::string_view kUnreadable = "unreadable:";
  const DomainList::Kind kind = {.below = BelowIn(draft.settings, list), .askable = IsOfRoutes(setting)};
  absl::flat_hash_map<std::string, absl::Status> unreadable;
  const auto load = [&](absl::string_view spec) -> absl::StatusOr<std::shared_ptr<const Table>> {
    const auto broken = unreadable.find(spec);
    if (broken != unreadable.end()) return Table::Broken(absl::StripPrefix(spec, kUnreadable), broken->second);
    return draft.shelf.Load(spec);
  };
  std::vector<std::string> items;
  const Setting origin = draft.settings.Origin(list);
  const bool told = !kind.askable && (IsOfRoutes(list) || IsOfRoutes(origin));
  const auto take = [&](std::string item) {
    const absl::Status usable = DomainList::Create({item}, load, kind).status();
    const bool file = absl::StrContains(item, ':') || absl::StrContains(item, '/');
    if (usable.ok()) {
      items.push_back(std::move(item));
    } else if (setting != origin && file && !kind.askable && DomainList::Create({item}, load, {.askable = true}).ok()) {
      draft.Warn(absl::StrCat(draft.settings.Source(origin), ": ", origin.name(), ": ", Printable(item, 200),
                              " is asked for where addresses lead, not for whom to verify: name its domains in ",
                              setting.name(), ", or * for all"));
    } else if (kind.askable && file && !IsFault(draft, list, item, usable, kBroken)) {
      items.push_back(absl::StrCat(kUnreadable, item));
      unreadable.emplace(items.back(), usable);
    } else if (!file || (!kind.askable && !told)) {
      (void)IsFault(draft, list, item, usable, kLeftOut);
    }
  };
  for (std::string& item : draft.settings.List(list)) take(std::move(item));
  return DomainList::Create(items, load, kind).value_or(DomainList());
}

DomainList DomainsOf(const Draft& draft, ListSetting setting) { return DomainsOf(draft, setting, setting); }

absl::StatusOr<std::string> HeloOf(const Settings& settings) {
  std::string helo = settings.Text("smtp_helo_name");
  if (absl::StartsWith(helo, "[")) return helo;
  return ParseDomain(helo);
}

}  // namespace verifyd
