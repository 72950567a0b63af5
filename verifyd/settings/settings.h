// The settings: the values that the table (setting_table.h) has by default, that verifyd.cf and options give, and that
// Postfix has. Code asks for them by handle (setting.h). What the settings mean for each room is built in
// verifyd/configuration/configuration.h.
//
// Thread: any (a Settings object is immutable once loaded; a reload makes a new one).
#ifndef VERIFYD_VERIFYD_SETTINGS_SETTINGS_H_
#define VERIFYD_VERIFYD_SETTINGS_SETTINGS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/settings/postfix_settings.h"
#include "verifyd/settings/setting.h"
#include "verifyd/settings/setting_syntax.h"
#include "verifyd/settings/setting_table.h"

namespace verifyd {

// Of a settings file, in bytes.
constexpr size_t kMaxSettingText = size_t{4} << 20;

// A class of restrictions, by the setting restriction_classes.
struct RestrictionClass {
  std::string name;
  // NAME_restrictions; none: it is set nowhere.
  std::optional<ListSetting> list;
};

class Settings {
 public:
  // Whether somebody who writes the name means a setting: one of the table, or NAME_restrictions, whatever NAME (that
  // there is such a class is checked by Load).
  static bool IsName(absl::string_view name);

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
  void RefuseFromPostfix(Setting setting, absl::string_view why);
  // Null: nothing is taken.
  const std::shared_ptr<const PostfixSettings>& postfix() const { return postfix_; }
  // Why there is a main.cf and it could not be asked about: postfix() is what was taken before, or null. Else empty.
  const std::string& postfix_error() const { return postfix_error_; }
  // One more value, over all others: of a transport. An error, where it is not of its type, changes nothing.
  absl::Status Override(const PostfixValue& value);

  // As written, or the default; not expanded.
  absl::string_view Raw(Setting setting) const;
  // True if the file, an option or Postfix set it.
  bool IsSet(Setting setting) const { return Find(setting.name()) != nullptr; }
  bool IsFromPostfix(Setting setting) const;
  // Where that was said: "FILE:LINE", "-o ...", "DIR/main.cf:LINE", "default of Postfix"; "default" where it is ours.
  absl::string_view Source(Setting setting) const;
  // Which setting has said the value of `setting`: another one where that one's default is nothing but "$OTHER".
  Setting Origin(Setting setting) const;

  // Expanded, and valid. `stress` is the value of $stress, as Postfix says it ("" or "yes").
  std::string Text(Setting setting, absl::string_view stress = "") const;
  std::vector<std::string> List(ListSetting setting) const;
  int64_t Number(NumberSetting setting, absl::string_view stress = "") const;
  absl::Duration Time(TimeSetting setting, absl::string_view stress = "") const;
  bool YesNo(YesNoSetting setting) const;
  // Everything that the file or an option set, by name.
  std::vector<Assignment> Assignments() const;
  std::vector<Setting> Given() const;
  // The classes of restrictions, "submission" among them.
  std::vector<RestrictionClass> Classes() const;

  // Of the file first, then of what is taken from Postfix.
  std::vector<std::string> warnings() const;

  // What empty myhostname and mydomain stand for: the name the system has, and a name without its first label, as in
  // Postfix. Before the object is shared.
  void SetSystemHostName(absl::string_view name);

 private:
  // NAME_restrictions of a class, as the table would have it.
  struct ClassRow {
    std::string name;
    SettingRow row;
  };

  // Null: there is no such setting.
  std::optional<Setting> Named(absl::string_view name) const;
  const Assignment* Find(absl::string_view name) const;
  absl::StatusOr<std::string> Expand(Setting setting, absl::string_view stress) const;
  absl::Status Check(Setting setting, absl::string_view stress) const;
  absl::Status CheckBoth(Setting setting) const;
  bool RefersToItself(Setting setting) const;
  void ReadAll(const std::vector<Assignment>& file, const std::vector<Assignment>& options);
  void Take(const Assignment& assignment);
  void TakeValuesOf(const PostfixSettings& postfix);
  std::vector<std::string> ClassNames() const;
  absl::Status Judge(const Assignment& assignment, const std::vector<std::string>& classes) const;

  absl::flat_hash_map<std::string, Assignment> values_;
  // Of the names in values_ that the table has not; shared by copies, so that handles stay good.
  absl::flat_hash_map<std::string, std::shared_ptr<const ClassRow>> class_rows_;
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
