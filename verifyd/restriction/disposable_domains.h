// Domains whose addresses anybody may read for an hour (reject_disposable_sender, reject_disposable_recipient): a list
// of them, and of those that stand in it by mistake.
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
  // Nobody is.
  DisposableDomains() = default;
  // Tables whose keys are domains (disposable_domains, disposable_domain_exceptions); an empty text is none.
  static absl::StatusOr<DisposableDomains> Load(const std::string& domains, const std::string& exceptions);

  // What stands in the list is so with all below it, down from its registrable domain; the nearest entry decides, and
  // an exception where both have one. `domain` in lower case.
  bool Contains(absl::string_view domain) const;

 private:
  std::shared_ptr<const Table> domains_;
  std::shared_ptr<const Table> exceptions_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_DISPOSABLE_DOMAINS_H_
