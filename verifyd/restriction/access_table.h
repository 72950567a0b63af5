// The tables of check_client_access, check_helo_access, check_sender_access and check_recipient_access, and the order
// in which Postfix looks into them (access(5), check_namadr_access and check_mail_access of smtpd_check.c). Values are
// compiled when the table is loaded.
//
//   texthash: hash: btree: lmdb: cdb: dbm: inline:   as in tables/table.h
//   cidr:/PATH   networks (network_table.h)
//   re2:/PATH    patterns (pattern_table.h)
//
// In a list `example.com` stands for itself and for what is below it, as in Postfix where
// parent_domain_matches_subdomains has smtpd_access_maps (the default). `.example.com` stands for what is below it, as
// in Postfix where it has not. Networks and patterns are asked once, with the whole name or address. Case does not
// matter, except to a pattern that says so.
//
// Thread: any (immutable once loaded). Where a pattern's value has $1, `compile` is also called at each match, on the
// thread of the look-up.
#ifndef VERIFYD_VERIFYD_RESTRICTION_ACCESS_TABLE_H_
#define VERIFYD_VERIFYD_RESTRICTION_ACCESS_TABLE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tables/network_table.h"
#include "tables/pattern_table.h"
#include "tables/table.h"

namespace verifyd {

struct RestrictionList;

class AccessTable {
 public:
  using Value = std::shared_ptr<const RestrictionList>;
  // Compiles the value of an entry; called once for each value, however many entries have it. An error says what was
  // found and what was expected.
  using Compile = std::function<absl::StatusOr<Value>(absl::string_view value)>;

  // Errors name the table, and file and line where they are in its text. A table that is asked over a socket is
  // refused: a look-up may not wait. A table of patterns keeps `compile`.
  static absl::StatusOr<std::shared_ptr<const AccessTable>> Load(absl::string_view spec, Compile compile);

  // The look-ups return null where there is no entry.
  //
  // Looks for the host name ("unknown" is one, as in Postfix) and its parents, then for the address and its networks
  // (1.2.3.4, 1.2.3, 1.2, 1; an IPv6 address likewise, by ':').
  Value FindClient(absl::string_view name, absl::string_view address) const;
  // Looks for the name, then for its parents.
  Value FindDomain(absl::string_view domain) const;
  // Looks for user+extension@domain, user@domain, the domain and its parents, user+extension@, user@. The null sender
  // is "<>", as in smtpd_null_access_lookup_key.
  Value FindAddress(absl::string_view address) const;

 private:
  absl::Status LoadList(absl::string_view spec, Table::Check check);
  absl::Status LoadNetworks(absl::string_view path, NetworkTable::Check check);
  absl::Status LoadPatterns(absl::string_view path, PatternTable::Check check, Compile compile);

  // Looks into a list; `key` is in lower case.
  Value FindKey(absl::string_view key) const;
  Value FindNameAndParents(absl::string_view name) const;
  Value FindAddressAndNetworks(absl::string_view address) const;
  Value FindUserAndDomain(absl::string_view address) const;
  // Looks into networks or patterns.
  Value FindWhole(absl::string_view text) const;
  Value CompileSubstituted(absl::string_view value) const;

  // One of the three is set.
  std::shared_ptr<const Table> list_;
  std::shared_ptr<const NetworkTable> networks_;
  std::shared_ptr<const PatternTable> patterns_;
  std::vector<Value> values_;  // by the numbers that the three gave them
  std::string spec_;
  Compile compile_;  // patterns only
  mutable std::atomic<bool> complained_{false};
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_ACCESS_TABLE_H_
