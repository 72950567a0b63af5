// The settings on their way to a configuration: what the parts (parts.h) have in common. Where a value can not be used,
// that is a fault of verifyd.cf, which stops us; of a value that Postfix has said it is a warning, because its mistakes
// do not.
//
// Thread: any; a draft lives as long as Configuration::Create runs.
#ifndef VERIFYD_VERIFYD_CONFIGURATION_DRAFT_H_
#define VERIFYD_VERIFYD_CONFIGURATION_DRAFT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/network.h"
#include "tables/domain_list.h"
#include "tables/table.h"
#include "tables/transport_table.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/settings/setting.h"
#include "verifyd/settings/settings.h"

namespace verifyd {

// What is wrong with the settings, all of it, and where that was said.
class Faults {
 public:
  explicit Faults(const Settings& settings) : settings_(settings) {}

  void Add(Setting setting, const absl::Status& fault);
  // What can not be had stays as it is, and is a fault of the setting.
  template <typename T, typename U>
  bool Assign(T& to, Setting setting, absl::StatusOr<U> got) {
    if (!got.ok()) {
      Add(setting, got.status());
      return false;
    }
    to = *std::move(got);
    return true;
  }

  const std::vector<std::string>& errors() const { return errors_; }
  // Of values that Postfix has said: its mistakes do not stop us.
  const std::vector<std::pair<Setting, std::string>>& of_postfix() const { return of_postfix_; }

 private:
  const Settings& settings_;
  std::vector<std::string> errors_;
  std::vector<std::pair<Setting, std::string>> of_postfix_;
};

// Tables that several settings name are read once.
class TableShelf {
 public:
  absl::StatusOr<std::shared_ptr<const Table>> Load(absl::string_view spec);

 private:
  absl::flat_hash_map<std::string, absl::StatusOr<std::shared_ptr<const Table>>> tables_;
};

// The settings on their way to a configuration.
struct Draft {
  const Settings& settings;
  Faults& faults;
  TableShelf& shelf;
  Configuration& configuration;
  bool of_transport = false;  // the settings are those of a transport of master.cf, or of all of lmtp(8)

  // Once, however often it is said.
  void Warn(std::string warning) const;
};

absl::Status UnexpectedValue(absl::string_view found, absl::string_view expected);

// What becomes of an item that can not be used, in words.
inline constexpr absl::string_view kLeftOut = "it is left out";
inline constexpr absl::string_view kBroken = "addresses that it is needed for are not verified";

// An item of a setting can not be used. False: Postfix has said it, which is a warning. True: it is a fault.
bool IsFault(const Draft& draft, Setting setting, absl::string_view item, const absl::Status& status,
             absl::string_view outcome);

using LoadTable = absl::FunctionRef<absl::StatusOr<std::shared_ptr<const Table>>(absl::string_view spec)>;

// The tables that a setting names, each loaded by `load` (or from the shelf); in the place of one of Postfix's that can
// not be had stands a broken one: whoever asks it learns that.
std::vector<std::shared_ptr<const Table>> TablesOf(const Draft& draft, ListSetting setting, LoadTable load);
std::vector<std::shared_ptr<const Table>> TablesOf(const Draft& draft, ListSetting setting);
std::vector<std::shared_ptr<const TransportTable>> TransportTablesOf(const Draft& draft, ListSetting setting,
                                                                     const TransportNames& names);

// The items of the setting `list`, for what `setting` is for.
DomainList DomainsOf(const Draft& draft, ListSetting setting, ListSetting list);
DomainList DomainsOf(const Draft& draft, ListSetting setting);

// The name in EHLO and HELO: a domain, or a literal (RFC 5321 section 4.1.1.1).
absl::StatusOr<std::string> HeloOf(const Settings& settings);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_DRAFT_H_
