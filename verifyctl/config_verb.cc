#include "verifyctl/config_verb.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "boost/json.hpp"
#include "verifyctl/exit_code.h"
#include "verifyd/json.h"

namespace verifyd {

int Config(const ConfigOptions& options, const Place& place, Console& console) {
  for (const std::string& name : options.names) {
    if (Settings::FindRow(name) != nullptr) continue;
    console.err << "verifyctl: unknown setting \"" << name << "\"\n";
    return kExitUsage;
  }
  const absl::StatusOr<Settings> settings = options.defaults ? Settings::Load({}, {}) : LoadSettings(place);
  if (!settings.ok()) {
    console.err << "verifyctl: " << settings.status().message() << "\n";
    return kExitConfiguration;
  }
  for (const std::string& warning : settings->warnings()) console.err << "verifyctl: warning: " << warning << "\n";
  for (const SettingRow& row : Settings::Table()) {
    if (!options.names.empty() && !absl::c_linear_search(options.names, row.name)) continue;
    if (options.set_only && !settings->IsSet(row.name)) continue;
    if (options.json) {
      console.out << boost::json::serialize(ToJson(row, *settings)) << "\n";
    } else {
      const absl::string_view value = settings->Raw(row.name);
      console.out << row.name << (value.empty() ? " =" : " = ") << value << "\n";
    }
  }
  return 0;
}

}  // namespace verifyd
