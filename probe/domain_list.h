// A list of domains as in relay_domains: `example.com` stands for itself and what is below it (Postfix's
// parent_domain_matches_subdomains), `.example.com` for what is below it only, `*` for all, `texthash:PATH` for the
// keys of a table.
//
// Thread: any (immutable).
#ifndef VERIFYD_PROBE_DOMAIN_LIST_H_
#define VERIFYD_PROBE_DOMAIN_LIST_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mail/address.h"
#include "probe/transport_table.h"

namespace verifyd {

class DomainList {
 public:
  // Errors name the item, and for a table the file and line.
  static absl::StatusOr<DomainList> Create(const std::vector<std::string>& items);

  // Domains that these tables route belong to the list, too ("*" in a table does not count).
  void AddRoutes(std::vector<std::shared_ptr<const TransportTable>> routes) { routes_ = std::move(routes); }

  // The domain, a parent of it, or a route for the address stands in the list.
  bool Contains(const Address& address) const;
  // The same, but for "*", which names nobody.
  bool Names(const Address& address) const;
  // The domain itself does.
  bool ContainsExactly(absl::string_view domain) const;
  bool empty() const;
  // "*" stands in it.
  bool all() const { return all_; }
  // Domains that are named, and lines of its routes.
  size_t size() const;
  // Those of them that are a domain, each once, by name: neither ".example.com" nor the route of an address.
  std::vector<std::string> Domains() const;

 private:
  bool all_ = false;
  absl::flat_hash_set<std::string> domains_;
  std::vector<std::shared_ptr<const TransportTable>> routes_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DOMAIN_LIST_H_
