// A setting as code names it: a handle, which the compiler makes of the name in the table.
//
//   settings.Time("address_verify_grace_time")
//
// A name that is not in the table, or whose type is another one, does not compile. What was written by people, in
// verifyd.cf or to `verifyctl config`, is looked up by its text in this room only.
//
// Thread: any (constants). A handle points to its row: to one of the table, which is always there, or to that of a
// class of restrictions, which lives as long as the Settings that have it (settings.h).
#ifndef VERIFYD_VERIFYD_SETTINGS_SETTING_H_
#define VERIFYD_VERIFYD_SETTINGS_SETTING_H_

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/string_view.h"
#include "verifyd/settings/setting_table.h"

namespace verifyd {

// A setting of whatever type: all that is asked of it is text.
class Setting {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): it is written where the setting is used, and reads as its name.
  consteval Setting(const char* name) : row_(Find(name)) {
    if (row_ == nullptr) ThereIsNoSuchSetting();
  }
  // NOLINTNEXTLINE(google-explicit-constructor): a row of the table is a setting.
  constexpr Setting(const SettingRow& row) : row_(&row) {}
  Setting(SettingRow&&) = delete;

  constexpr const SettingRow& row() const { return *row_; }
  constexpr absl::string_view name() const { return row_->name; }
  friend constexpr bool operator==(const Setting&, const Setting&) = default;

 private:
  friend class Settings;
  friend std::optional<Setting> SettingOfPostfix(absl::string_view name);

  // Null: the table has no such name.
  static constexpr const SettingRow* Find(absl::string_view name) {
    const SettingRow* const row =
        std::lower_bound(std::begin(kSettingTable), std::end(kSettingTable), name,
                         [](const SettingRow& one, absl::string_view wanted) { return one.name < wanted; });
    return row != std::end(kSettingTable) && row->name == name ? row : nullptr;
  }
  // It can not be called while compiling: the compiler's error shows its name.
  static void ThereIsNoSuchSetting() {}

  const SettingRow* row_;
};

// A setting of one of `kTypes`: whoever asks for a number can name no list.
template <SettingType... kTypes>
class TypedSetting : public Setting {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): as that of Setting.
  consteval TypedSetting(const char* name) : Setting(name) {
    if (((row().type != kTypes) && ...)) TheSettingIsOfAnotherType();
  }

 private:
  friend class Settings;

  explicit constexpr TypedSetting(const SettingRow& row) : Setting(row) {}
  static void TheSettingIsOfAnotherType() {}
};

using ListSetting = TypedSetting<SettingType::kList, SettingType::kDomains>;
using NumberSetting = TypedSetting<SettingType::kNumber>;
using TimeSetting = TypedSetting<SettingType::kTime>;
using YesNoSetting = TypedSetting<SettingType::kYesNo>;

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SETTINGS_SETTING_H_
