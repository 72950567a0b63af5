#include "verifyd/restriction/disposable_domains.h"

#include "base/status_macros.h"
#include "dns/provider.h"

namespace verifyd {
namespace {

absl::StatusOr<std::shared_ptr<const Table>> Open(const std::string& spec) {
  if (spec.empty()) return nullptr;
  ASSIGN_OR_RETURN(std::shared_ptr<const Table> table, Table::Load(spec));
  if (table->remote().has_value()) return absl::InvalidArgumentError("found a server, expected a file");
  return table;
}

bool Has(const std::shared_ptr<const Table>& table, absl::string_view domain) {
  return table != nullptr && table->Find(domain).has_value();
}

}  // namespace

absl::StatusOr<DisposableDomains> DisposableDomains::Load(const std::string& domains, const std::string& exceptions) {
  DisposableDomains loaded;
  ASSIGN_OR_RETURN(loaded.domains_, Open(domains));
  ASSIGN_OR_RETURN(loaded.exceptions_, Open(exceptions));
  return loaded;
}

bool DisposableDomains::Contains(absl::string_view domain) const {
  if (domains_ == nullptr) return false;
  for (absl::string_view entry = domain;;) {
    if (Has(exceptions_, entry)) return false;
    // An entry above the registrable domain would cover a whole registry. Few look-ups come this far.
    if (Has(domains_, entry)) return entry.size() >= ProviderOf(std::string(domain)).size();
    const size_t dot = entry.find('.');
    if (dot == absl::string_view::npos) return false;
    entry.remove_prefix(dot + 1);
  }
}

}  // namespace verifyd
