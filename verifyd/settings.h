// The settings: one table (in settings.cc) of all names with type, default, range and documentation; from it live the
// parser, `verifyctl config`, `verifyd --check` and the test of the man page. What the settings mean for each room is
// built in verifyd/configuration.h.
//
// Thread: any (a Settings object is immutable once loaded; a reload makes a new one).
#ifndef VERIFYD_VERIFYD_SETTINGS_H_
#define VERIFYD_VERIFYD_SETTINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/setting_syntax.h"

namespace verifyd {

enum class SettingType : uint8_t {
  kText,
  kList,    // items separated by commas or white space
  kNumber,  // within [min, max]
  kTime,    // with Postfix's units, at least `min` seconds; a bare number takes the unit of the default
  kYesNo,
  kWord,  // one of `words`, separated by '|'
};

struct SettingRow {
  absl::string_view name;
  SettingType type = SettingType::kText;
  absl::string_view default_value;
  int64_t min = 0;
  int64_t max = INT32_MAX;
  absl::string_view words = "";
  // False: takes effect at the next start only; a reload that changes it says so.
  bool reloadable = true;
  absl::string_view documentation;  // one line
};

class Settings {
 public:
  // All settings there are, by name.
  static const std::vector<SettingRow>& Table();
  // Also of NAME_restrictions, whatever NAME: that there is such a class is checked by Load.
  static const SettingRow* FindRow(absl::string_view name);

  // `options` win over `file`; later ones over earlier ones. Errors: a name that is not in the table (the nearest one
  // is suggested), a value that is not of its type or out of range; they name where it was said and what was expected.
  // A Postfix parameter that has no meaning here is a warning.
  static absl::StatusOr<Settings> Load(const std::vector<Assignment>& file, const std::vector<Assignment>& options);
  // Reads `path`. A missing file is an error that names it.
  static absl::StatusOr<Settings> LoadFile(const std::string& path, const std::vector<Assignment>& options);

  // As written, or the default; not expanded.
  absl::string_view Raw(absl::string_view name) const;
  // True if the file or an option set it.
  bool IsSet(absl::string_view name) const { return values_.contains(name); }

  // Expanded, and valid: Load has seen to it. `stress` is the value of $stress, as Postfix says it ("" or "yes"). The
  // name must be in the table, the type must fit.
  std::string Text(absl::string_view name, absl::string_view stress = "") const;
  std::vector<std::string> List(absl::string_view name) const;
  int64_t Number(absl::string_view name, absl::string_view stress = "") const;
  absl::Duration Time(absl::string_view name, absl::string_view stress = "") const;
  bool YesNo(absl::string_view name) const;
  // Everything that the file or an option set, by name.
  std::vector<Assignment> Assignments() const;
  // The names NAME of restriction classes, "submission" among them: there is a setting NAME_restrictions of each.
  std::vector<std::string> Classes() const;

  const std::vector<std::string>& warnings() const { return warnings_; }

  // What empty myhostname and mydomain stand for: the name the system has, and a name without its first label, as in
  // Postfix. Before the object is shared.
  void SetSystemHostName(absl::string_view name);

 private:
  absl::StatusOr<std::string> Expand(absl::string_view name, absl::string_view stress) const;
  absl::Status Check(const SettingRow& row, absl::string_view stress) const;

  absl::flat_hash_map<std::string, Assignment> values_;
  std::string host_name_;
  std::string domain_name_;
  std::vector<std::string> warnings_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SETTINGS_H_
