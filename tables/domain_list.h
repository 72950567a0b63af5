// A list of domains as in relay_domains, with the items of Postfix's lists (postconf(5)): `example.com` stands for
// itself and for names below it (or not: Below), `.example.com` only for names below it, `*` and `static:anything` for
// all, `/PATH` for the items in that file, `TYPE:/PATH` for the keys of a table, and `!ITEM` excludes. The first item
// that fits decides.
//
// Thread: any (immutable).
#ifndef VERIFYD_TABLES_DOMAIN_LIST_H_
#define VERIFYD_TABLES_DOMAIN_LIST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mail/address.h"
#include "tables/table.h"
#include "tables/transport_table.h"

namespace verifyd {

class DomainList {
 public:
  using LoadTable = absl::FunctionRef<absl::StatusOr<std::shared_ptr<const Table>>(absl::string_view spec)>;
  // Says whether a key stands in a table that is not in memory.
  using Ask = absl::FunctionRef<absl::StatusOr<bool>(const Table& table, absl::string_view key)>;
  // The names below a domain that belong to its item.
  enum class Below : uint8_t {
    kAll,     // of example.com and of .example.com
    kDotted,  // of .example.com (a list that Postfix's parent_domain_matches_subdomains does not name)
    kNone,    // nothing is below anything, as in mydestination and the virtual_ lists of Postfix
  };
  struct Kind {
    Below below = Below::kAll;
    bool askable = false;  // tables that are asked over a socket are allowed
  };
  // Errors name the item, and for a file the line.
  static absl::StatusOr<DomainList> Create(const std::vector<std::string>& items);
  static absl::StatusOr<DomainList> Create(const std::vector<std::string>& items, LoadTable load, const Kind& kind);

  // Adds the items of `other` after the present ones; the kind stays as it is.
  void Append(DomainList other);
  // Domains that these tables route belong to the list, too ("*" in a table does not count). With `only_elsewhere` a
  // line does not count that only names the SMTP transport by which the domain's own MX is asked ("slow:").
  void AddRoutes(std::vector<std::shared_ptr<const TransportTable>> routes, bool only_elsewhere = false);

  // Returns true if the domain, a parent of it, or a route for the address stands in the list.
  bool Contains(const Address& address) const;
  // Does the same, but ignores "*", which names no domain.
  bool Names(const Address& address) const;
  // Returns true if the domain itself stands in the list.
  bool ContainsExactly(absl::string_view domain) const;
  // These also ask tables that are not in memory; without `ask` such a table has no keys. Errors are those of `ask`.
  absl::StatusOr<bool> Contains(const Address& address, Ask ask) const;
  absl::StatusOr<bool> ContainsExactly(absl::string_view domain, Ask ask) const;
  bool empty() const;
  // Returns true if "*" stands in the list.
  bool all() const;
  // Returns the number of named domains, and of lines in its routes that count and name other domains. In a table that
  // names aliases beside domains, the aliases are names without a dot (Below::kNone).
  size_t size() const;
  // Returns those of them that are a domain, each once, by name: neither ".example.com" nor the route of an address.
  std::vector<std::string> Domains() const;

 private:
  // Items that stand together and mean the same: their order does not matter.
  struct Part {
    bool listed = true;  // false: after "!"
    Below below = Below::kAll;
    bool all = false;
    absl::flat_hash_set<std::string> domains;
    std::shared_ptr<const Table> table;  // by its keys; keys that are no domain do not count
    size_t table_domains = 0;            // the number of its keys that are a domain
    bool IsDomain(absl::string_view key) const;
    absl::StatusOr<bool> Has(absl::string_view name, Ask ask) const;
  };

  absl::Status Add(absl::string_view item, bool listed, LoadTable load, int depth);
  absl::Status AddFile(absl::string_view path, bool listed, LoadTable load, int depth);
  Part& PartFor(bool listed);
  static absl::StatusOr<bool> Fits(const Part& part, absl::string_view name, Ask ask);
  // Nothing: no item fits.
  absl::StatusOr<std::optional<bool>> Judge(absl::string_view name, bool all_counts, Ask ask) const;
  bool IsRouted(const Address& address) const;
  bool Counts(const Transport& transport) const;
  bool Counts(const TransportTable& table, absl::string_view key, absl::string_view value) const;

  Kind kind_;
  std::vector<Part> parts_;
  std::vector<std::shared_ptr<const TransportTable>> routes_;
  bool only_elsewhere_ = false;
  size_t routed_ = 0;  // lines of them that count and name domains that are not in the list
};

}  // namespace verifyd

#endif  // VERIFYD_TABLES_DOMAIN_LIST_H_
