// The settings: the defaults of the table (setting_table.h), the values that verifyd.cf and options give, and those
// that Postfix has. Code asks for them by handle (setting.h). verifyd/configuration/configuration.h builds what they
// mean for each room.
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

// The most bytes of a settings file.
constexpr size_t kMaxSettingText = size_t{4} << 20;

// A class of restrictions, of the setting restriction_classes.
struct RestrictionClass {
  std::string name;
  // NAME_restrictions; none: it is set nowhere.
  std::optional<ListSetting> list;
};

class Settings {
 public:
  // Whether the name is that of a setting: one of the table, or NAME_restrictions, whatever NAME (Load checks that
  // there is such a class).
  static bool IsName(absl::string_view name);

  // `options` win over `file`, and later ones over earlier ones. A Postfix parameter that has no meaning here is a
  // warning. errors() has the faults: a name that is not in the table (the nearest one is suggested), a value that is
  // not of its type or out of range. They name where it was said and what was expected; the default holds instead.
  static Settings Read(const std::vector<Assignment>& file, const std::vector<Assignment>& options);
  // The same of the file `path`. A file that can not be read, and lines that are no settings, are errors, too.
  static Settings ReadFile(const std::string& path, const std::vector<Assignment>& options);
  // The same, with all errors in one: a line each.
  static absl::StatusOr<Settings> Load(const std::vector<Assignment>& file, const std::vector<Assignment>& options);
  static absl::StatusOr<Settings> LoadFile(const std::string& path, const std::vector<Assignment>& options);
  const std::vector<std::string>& errors() const { return errors_; }

  // Takes the values of Postfix (postfix_config_directory), as far as they can be had, instead of those taken before.
  // Values that can not be used are warnings. Call this, like all that changes the object, before it is shared.
  void TakeFromPostfix(const PostfixSource& source);
  // Drops a value of Postfix that turned out later to be of no use: the default holds, and a warning says why.
  void RefuseFromPostfix(Setting setting, absl::string_view why);
  // Null: nothing is taken.
  const std::shared_ptr<const PostfixSettings>& postfix() const { return postfix_; }
  // Says why Postfix could not be asked about its main.cf: postfix() is what was taken before, or null. Empty: no
  // error.
  const std::string& postfix_error() const { return postfix_error_; }
  // Sets one more value, of a transport, over all others. Error: it is not of its type, and nothing has changed.
  absl::Status Override(const PostfixValue& value);

  // As written, or the default; not expanded.
  absl::string_view Raw(Setting setting) const;
  // Whether the file, an option or Postfix has set it.
  bool IsSet(Setting setting) const { return Find(setting.name()) != nullptr; }
  bool IsFromPostfix(Setting setting) const;
  // Returns where that was said: "FILE:LINE", "-o ...", "DIR/main.cf:LINE", "default of Postfix"; "default" where it is
  // ours.
  absl::string_view Source(Setting setting) const;
  // Returns the setting that gives `setting` its value: another one where its default is nothing but "$OTHER".
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

  // The warnings about the file come first, then those about Postfix.
  std::vector<std::string> warnings() const;

  // Tells the name of the system, for which an empty myhostname stands; an empty mydomain stands for myhostname without
  // its first label, as in Postfix. Call it before the object is shared.
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
  // The rows of the names in values_ that the table has not; copies share them, so that handles stay good.
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
