#include "verifyctl/config_verb.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_split.h"
#include "boost/json.hpp"
#include "verifyctl/exit_code.h"
#include "verifyd/configuration/setting_json.h"
#include "verifyd/settings/postfix_settings.h"

namespace verifyd {

int Config(const ConfigOptions& options, const Place& place, Console& console) {
  for (const std::string& name : options.names) {
    if (Settings::IsName(name)) continue;
    console.err << "verifyctl: unknown setting \"" << name << "\"\n";
    return kExitUsage;
  }
  absl::StatusOr<Settings> settings = options.defaults ? Settings::Load({}, {}) : LoadSettings(place);
  if (!settings.ok()) {
    for (const absl::string_view line : absl::StrSplit(settings.status().message(), '\n')) {
      console.err << "verifyctl: " << line << "\n";
    }
    return kExitConfiguration;
  }
  settings->TakeFromPostfix(PostfixSource());
  for (const std::string& warning : settings->warnings()) console.err << "verifyctl: warning: " << warning << "\n";
  for (const SettingRow& row : kSettingTable) {
    if (!options.names.empty() && !absl::c_linear_search(options.names, row.name)) continue;
    if (options.set_only && !settings->IsSet(row)) continue;
    if (options.json) {
      console.out << boost::json::serialize(ToJson(row, *settings)) << "\n";
    } else {
      if (settings->IsSet(row)) console.out << "# " << settings->Source(row) << "\n";
      const absl::string_view value = settings->Raw(row);
      console.out << row.name << (value.empty() ? " =" : " = ") << value << "\n";
    }
  }
  return 0;
}

}  // namespace verifyd
