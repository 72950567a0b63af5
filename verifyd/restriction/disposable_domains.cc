#include "verifyd/restriction/disposable_domains.h"

#include "base/status_macros.h"
#include "probe/provider.h"

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
  const std::string registrable = ProviderOf(std::string(domain));
  for (;;) {
    if (Has(exceptions_, domain)) return false;
    if (Has(domains_, domain)) return true;
    const size_t dot = domain.find('.');
    if (domain == registrable || dot == absl::string_view::npos) return false;
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace verifyd
