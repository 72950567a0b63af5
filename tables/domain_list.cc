#include "tables/domain_list.h"

#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/btree_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "tables/table_text.h"

namespace verifyd {
namespace {

constexpr int kMaxFilesInFiles = 10;

absl::StatusOr<std::string> ParseItem(absl::string_view item) {
  const bool below_only = absl::ConsumePrefix(&item, ".");
  absl::StatusOr<std::string> domain = ParseDomain(item);
  if (!domain.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", Printable(item, 80),
                                                   "\" in a list of domains: ", domain.status().message(),
                                                   " (expected a domain, .domain, *, /PATH, or a table)"));
  }
  return absl::StrCat(below_only ? "." : "", *domain);
}

absl::StatusOr<bool> AskNobody(const Table& /*table*/, absl::string_view /*key*/) { return false; }

}  // namespace

absl::StatusOr<DomainList> DomainList::Create(const std::vector<std::string>& items) {
  return Create(
      items, [](absl::string_view spec) { return Table::Load(spec); }, Kind());
}

absl::StatusOr<DomainList> DomainList::Create(const std::vector<std::string>& items, LoadTable load, const Kind& kind) {
  DomainList list;
  list.kind_ = kind;
  for (const std::string& item : items) RETURN_IF_ERROR(list.Add(item, /*listed=*/true, load, /*depth=*/0));
  return list;
}

absl::Status DomainList::Add(absl::string_view item, bool listed, LoadTable load, int depth) {
  while (absl::ConsumePrefix(&item, "!")) listed = !listed;
  if (absl::StartsWith(item, "/")) return AddFile(item, listed, load, depth);
  if (item == "*" || absl::StartsWith(item, "static:")) {
    Part all;
    all.listed = listed;
    all.below = kind_.below;
    all.all = true;
    parts_.push_back(std::move(all));
    return absl::OkStatus();
  }
  if (!absl::StrContains(item, ':') || absl::StartsWith(item, "[")) {
    ASSIGN_OR_RETURN(std::string domain, ParseItem(item));
    PartFor(listed).domains.insert(std::move(domain));
    return absl::OkStatus();
  }
  Part part;
  part.listed = listed;
  part.below = kind_.below;
  ASSIGN_OR_RETURN(part.table, load(item));
  if (part.table->remote().has_value() && !kind_.askable) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", Printable(item, 80), "\" in a list of domains: expected a table that can be read whole"));
  }
  part.table->ForEach([&](absl::string_view key, absl::string_view /*value*/) {
    if (part.IsDomain(key)) ++part.table_domains;
  });
  parts_.push_back(std::move(part));
  return absl::OkStatus();
}

void DomainList::Append(DomainList other) {
  std::move(other.parts_.begin(), other.parts_.end(), std::back_inserter(parts_));
}

void DomainList::AddRoutes(std::vector<std::shared_ptr<const TransportTable>> routes, bool only_elsewhere) {
  routes_ = std::move(routes);
  only_elsewhere_ = only_elsewhere;
  routed_ = 0;
  for (const auto& route : routes_) {
    route->table()->ForEach([&](absl::string_view key, absl::string_view value) {
      if (Counts(*route, key, value) && !ContainsExactly(absl::StripPrefix(key, "."))) ++routed_;
    });
  }
}

bool DomainList::Counts(const TransportTable& table, absl::string_view key, absl::string_view value) const {
  if (key == "*" || !only_elsewhere_) return key != "*";
  const absl::StatusOr<Transport> transport = table.ParseValue(key, value);
  return !transport.ok() || Counts(*transport);
}

// A route that only slows down mail for a stranger's domain does not make the domain ours.
bool DomainList::Counts(const Transport& transport) const {
  if (transport.by_wildcard) return false;
  return !only_elsewhere_ || transport.kind != Transport::Kind::kSmtp || transport.next_hop.given();
}

absl::Status DomainList::AddFile(absl::string_view path, bool listed, LoadTable load, int depth) {
  if (depth == kMaxFilesInFiles) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": files name files, more than ", depth, " deep"));
  }
  ASSIGN_OR_RETURN(const std::string text, ReadTableText(path));
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (absl::StartsWith(line, "#")) continue;
    for (const absl::string_view item : SplitList(line)) {
      const absl::Status added = Add(item, listed, load, depth + 1);
      if (!added.ok()) return absl::Status(added.code(), absl::StrCat(path, ":", number, ": ", added.message()));
    }
  }
  return absl::OkStatus();
}

DomainList::Part& DomainList::PartFor(bool listed) {
  if (parts_.empty() || parts_.back().listed != listed || parts_.back().all || parts_.back().table != nullptr) {
    Part& part = parts_.emplace_back();
    part.listed = listed;
    part.below = kind_.below;
  }
  return parts_.back();
}

absl::StatusOr<bool> DomainList::Part::Has(absl::string_view name, Ask ask) const {
  if (table == nullptr) return domains.contains(name);
  if (table->remote().has_value()) return ask(*table, name);
  return table->FindNumber(name).has_value();
}

bool DomainList::Part::IsDomain(absl::string_view key) const {
  return !absl::StrContains(key, '@') && (below != Below::kNone || absl::StrContains(key, '.'));
}

absl::StatusOr<bool> DomainList::Fits(const Part& part, absl::string_view name, Ask ask) {
  if (part.all) return true;
  ASSIGN_OR_RETURN(bool has, part.Has(name, ask));
  if (part.below == Below::kNone || (part.table != nullptr && part.table->takes_whole_keys_only())) return has;
  for (size_t dot = name.find('.'); !has && dot != absl::string_view::npos; dot = name.find('.')) {
    ASSIGN_OR_RETURN(has, part.Has(name.substr(dot), ask));
    name.remove_prefix(dot + 1);
    if (has || part.below != Below::kAll) continue;
    ASSIGN_OR_RETURN(has, part.Has(name, ask));
  }
  return has;
}

absl::StatusOr<std::optional<bool>> DomainList::Judge(absl::string_view name, bool all_counts, Ask ask) const {
  for (const Part& part : parts_) {
    if (part.all && !all_counts) continue;
    ASSIGN_OR_RETURN(const bool fits, Fits(part, name, ask));
    if (fits) return part.listed;
  }
  return std::nullopt;
}

bool DomainList::IsRouted(const Address& address) const {
  for (const std::shared_ptr<const TransportTable>& table : routes_) {
    const std::optional<Transport> transport = table->Find(address);
    if (transport.has_value() && Counts(*transport)) return true;
  }
  return false;
}

absl::StatusOr<bool> DomainList::Contains(const Address& address, Ask ask) const {
  ASSIGN_OR_RETURN(const std::optional<bool> judged, Judge(address.domain(), /*all_counts=*/true, ask));
  return judged.has_value() ? *judged : IsRouted(address);
}

absl::StatusOr<bool> DomainList::ContainsExactly(absl::string_view domain, Ask ask) const {
  for (const Part& part : parts_) {
    if (part.all) return part.listed;
    ASSIGN_OR_RETURN(const bool has, part.Has(domain, ask));
    if (has) return part.listed;
  }
  return false;
}

bool DomainList::Contains(const Address& address) const { return *Contains(address, AskNobody); }

bool DomainList::Names(const Address& address) const {
  const std::optional<bool> judged = *Judge(address.domain(), /*all_counts=*/false, AskNobody);
  return judged.has_value() ? *judged : IsRouted(address);
}

bool DomainList::ContainsExactly(absl::string_view domain) const { return *ContainsExactly(domain, AskNobody); }

bool DomainList::empty() const {
  for (const Part& part : parts_) {
    const bool may_have = part.table == nullptr || part.table->remote().has_value() || part.table_domains > 0;
    if (part.listed && may_have) return false;
  }
  return routed_ == 0;
}

bool DomainList::all() const {
  return absl::c_any_of(parts_, [](const Part& part) { return part.listed && part.all; });
}

std::vector<std::string> DomainList::Domains() const {
  absl::btree_set<std::string> domains;
  const auto take = [&](absl::string_view key) {
    if (ParseDomain(key).ok()) domains.emplace(key);
  };
  for (const Part& part : parts_) {
    if (!part.listed) continue;
    for (const std::string& domain : part.domains) take(domain);
    if (part.table == nullptr) continue;
    part.table->ForEach([&](absl::string_view key, absl::string_view /*value*/) {
      if (part.IsDomain(key)) take(key);
    });
  }
  for (const std::shared_ptr<const TransportTable>& route : routes_) {
    route->table()->ForEach([&](absl::string_view key, absl::string_view value) {
      if (Counts(*route, key, value)) take(key);
    });
  }
  return {domains.begin(), domains.end()};
}

size_t DomainList::size() const {
  size_t size = routed_;
  for (const Part& part : parts_) {
    if (part.listed) size += part.domains.size() + part.table_domains;
  }
  return size;
}

}  // namespace verifyd
