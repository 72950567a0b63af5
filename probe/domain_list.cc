#include "probe/domain_list.h"

#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "probe/table.h"

namespace verifyd {
namespace {

absl::StatusOr<std::string> ParseItem(absl::string_view item) {
  const bool below_only = absl::ConsumePrefix(&item, ".");
  absl::StatusOr<std::string> domain = ParseDomain(item);
  if (!domain.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", Printable(item, 80),
                                                   "\" in a list of domains: ", domain.status().message(),
                                                   " (expected a domain, .domain, *, or a table)"));
  }
  return absl::StrCat(below_only ? "." : "", *domain);
}

}  // namespace

absl::StatusOr<DomainList> DomainList::Create(const std::vector<std::string>& items) {
  DomainList list;
  for (const std::string& item : items) {
    if (item == "*") {
      list.all_ = true;
      continue;
    }
    if (!absl::StrContains(item, ':') || absl::StartsWith(item, "[")) {
      ASSIGN_OR_RETURN(std::string domain, ParseItem(item));
      list.domains_.insert(std::move(domain));
      continue;
    }
    ASSIGN_OR_RETURN(const std::shared_ptr<const Table> table, Table::Load(item));
    if (table->remote().has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", Printable(item, 80), "\" in a list of domains: expected a table that can be read whole"));
    }
    for (const std::string& key : table->Keys()) {
      absl::StatusOr<std::string> domain = ParseItem(key);
      if (!domain.ok()) return absl::InvalidArgumentError(absl::StrCat(item, ": ", domain.status().message()));
      list.domains_.insert(*std::move(domain));
    }
  }
  return list;
}

bool DomainList::Contains(const Address& address) const { return all_ || Names(address); }

bool DomainList::Names(const Address& address) const {
  absl::string_view name = address.domain();
  if (!domains_.empty()) {
    if (domains_.contains(name)) return true;
    for (size_t dot = name.find('.'); dot != absl::string_view::npos; dot = name.find('.')) {
      if (domains_.contains(name.substr(dot))) return true;
      name.remove_prefix(dot + 1);
      if (domains_.contains(name)) return true;
    }
  }
  for (const std::shared_ptr<const TransportTable>& table : routes_) {
    const std::optional<Transport> transport = table->Find(address);
    if (transport.has_value() && !transport->by_wildcard) return true;
  }
  return false;
}

bool DomainList::ContainsExactly(absl::string_view domain) const { return all_ || domains_.contains(domain); }

bool DomainList::empty() const { return !all_ && size() == 0; }

std::vector<std::string> DomainList::Domains() const {
  absl::btree_set<std::string> domains;
  for (const std::string& domain : domains_) {
    if (!absl::StartsWith(domain, ".")) domains.insert(domain);
  }
  for (const std::shared_ptr<const TransportTable>& table : routes_) {
    if (table->text() == nullptr) continue;
    for (const std::string& key : table->text()->Keys()) {
      if (ParseDomain(key).ok()) domains.insert(key);
    }
  }
  return {domains.begin(), domains.end()};
}

size_t DomainList::size() const {
  size_t size = domains_.size();
  for (const std::shared_ptr<const TransportTable>& table : routes_) size += table->size();
  return size;
}

}  // namespace verifyd
