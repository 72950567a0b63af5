// The settings: one table (in setting_table.cc) of all names with type, default, range and documentation; from it live
// the parser, `verifyctl config`, `verifyd --check` and the test of the man page. What the settings mean for each room
// is built in verifyd/configuration/configuration.h.
//
// Thread: any (a Settings object is immutable once loaded; a reload makes a new one).
#ifndef VERIFYD_VERIFYD_SETTINGS_SETTINGS_H_
#define VERIFYD_VERIFYD_SETTINGS_SETTINGS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/settings/postfix_settings.h"
#include "verifyd/settings/setting_syntax.h"

namespace verifyd {

enum class SettingType : uint8_t {
  kText,
  kList,     // items separated by commas or white space
  kDomains,  // a list of domains (tables/domain_list.h): /PATH in it is a file of more items
  kNumber,   // within [min, max]
  kTime,     // with Postfix's units, at least `min` seconds; a bare number takes the unit of the default
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

// Of a settings file, in bytes.
constexpr size_t kMaxSettingText = size_t{4} << 20;

class Settings {
 public:
  // All settings there are, by name.
  static const std::vector<SettingRow>& Table();
  // Also of NAME_restrictions, whatever NAME: that there is such a class is checked by Load.
  static const SettingRow* FindRow(absl::string_view name);

  // `options` win over `file`; later ones over earlier ones; a Postfix parameter that has no meaning here is a warning.
  // What is wrong with it is in errors(): a name that is not in the table (the nearest one is suggested), a value that
  // is not of its type or out of range. They name where it was said and what was expected; the default holds instead.
  static Settings Read(const std::vector<Assignment>& file, const std::vector<Assignment>& options);
  // The same of the file `path`. Errors also of a file that can not be read, and of lines that are no settings.
  static Settings ReadFile(const std::string& path, const std::vector<Assignment>& options);
  // The same where all errors are one: a line each.
  static absl::StatusOr<Settings> Load(const std::vector<Assignment>& file, const std::vector<Assignment>& options);
  static absl::StatusOr<Settings> LoadFile(const std::string& path, const std::vector<Assignment>& options);
  const std::vector<std::string>& errors() const { return errors_; }

  // What is taken from Postfix (postfix_config_directory), as far as it can be had: instead of what was taken before.
  // Values that can not be used are warnings. Before the object is shared, as all that changes it.
  void TakeFromPostfix(const PostfixSource& source);
  // Such a value can not be used, for a reason that was found out later: the default holds, and a warning says so.
  void RefuseFromPostfix(absl::string_view name, absl::string_view why);
  // Null: nothing is taken.
  const std::shared_ptr<const PostfixSettings>& postfix() const { return postfix_; }
  // Why there is a main.cf and it could not be asked about: postfix() is what was taken before, or null. Else empty.
  const std::string& postfix_error() const { return postfix_error_; }
  // One more value, over all others. An error, where it is not of its type, changes nothing.
  absl::Status Override(const Assignment& assignment);

  // As written, or the default; not expanded.
  absl::string_view Raw(absl::string_view name) const;
  // True if the file, an option or Postfix set it.
  bool IsSet(absl::string_view name) const { return Find(name) != nullptr; }
  bool IsFromPostfix(absl::string_view name) const { return !values_.contains(name) && postfix_values_.contains(name); }
  // Where that was said: "FILE:LINE", "-o ...", "DIR/main.cf:LINE", "default of Postfix"; "default" where it is ours.
  absl::string_view Source(absl::string_view name) const;
  // Which setting has said the value of `name`: another one where that one's default is nothing but "$OTHER".
  absl::string_view Origin(absl::string_view name) const;

  // Expanded, and valid. `stress` is the value of $stress, as Postfix says it ("" or "yes"). The name must be in the
  // table, the type must fit.
  std::string Text(absl::string_view name, absl::string_view stress = "") const;
  std::vector<std::string> List(absl::string_view name) const;
  int64_t Number(absl::string_view name, absl::string_view stress = "") const;
  absl::Duration Time(absl::string_view name, absl::string_view stress = "") const;
  bool YesNo(absl::string_view name) const;
  // Everything that the file or an option set, by name.
  std::vector<Assignment> Assignments() const;
  // The names NAME of restriction classes, "submission" among them: there is a setting NAME_restrictions of each.
  std::vector<std::string> Classes() const;

  // Of the file first, then of what is taken from Postfix.
  std::vector<std::string> warnings() const;

  // What empty myhostname and mydomain stand for: the name the system has, and a name without its first label, as in
  // Postfix. Before the object is shared.
  void SetSystemHostName(absl::string_view name);

 private:
  const Assignment* Find(absl::string_view name) const;
  absl::StatusOr<std::string> Expand(absl::string_view name, absl::string_view stress) const;
  absl::Status Check(const SettingRow& row, absl::string_view stress) const;
  bool RefersToItself(const std::string& name) const;
  absl::Status CheckBoth(const SettingRow& row) const;
  void ReadAll(const std::vector<Assignment>& file, const std::vector<Assignment>& options);

  absl::flat_hash_map<std::string, Assignment> values_;
  absl::flat_hash_map<std::string, Assignment> postfix_values_;
  std::shared_ptr<const PostfixSettings> postfix_;
  std::string postfix_error_;
  std::string host_name_;
  std::string domain_name_;
  std::vector<std::string> errors_;
  std::vector<std::string> warnings_;
  std::vector<std::string> postfix_warnings_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SETTINGS_SETTINGS_H_
