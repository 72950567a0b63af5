// Domains whose addresses anybody may read for an hour (reject_disposable_sender, reject_disposable_recipient): a list
// of them, and a list of domains that stand in it by mistake.
//
// Thread: any (immutable).
#ifndef VERIFYD_VERIFYD_RESTRICTION_DISPOSABLE_DOMAINS_H_
#define VERIFYD_VERIFYD_RESTRICTION_DISPOSABLE_DOMAINS_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tables/table.h"

namespace verifyd {

class DisposableDomains {
 public:
  // Contains no domain.
  DisposableDomains() = default;
  // Loads tables whose keys are domains (disposable_domains, disposable_domain_exceptions); an empty text is no table.
  static absl::StatusOr<DisposableDomains> Load(const std::string& domains, const std::string& exceptions);

  // An entry covers its domain and all below it, but counts only from the registrable domain of `domain` down. The
  // nearest entry decides; where both tables have one, the exception does. `domain` is in lower case.
  bool Contains(absl::string_view domain) const;

 private:
  std::shared_ptr<const Table> domains_;
  std::shared_ptr<const Table> exceptions_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_DISPOSABLE_DOMAINS_H_
