#include "verifyd/configuration/setting_json.h"

#include "absl/strings/string_view.h"
#include "boost/json.hpp"

namespace verifyd {
namespace {

boost::json::string SettingText(absl::string_view text) {
  return boost::json::string(boost::json::string_view(text.data(), text.size()));
}

}  // namespace

boost::json::object ToJson(const SettingRow& row, const Settings& settings) {
  boost::json::object object;
  object["name"] = SettingText(row.name);
  object["raw"] = SettingText(settings.Raw(row));
  object["value"] = SettingText(settings.Text(row));
  object["default"] = SettingText(row.default_value);
  object["set"] = settings.IsSet(row);
  object["source"] = SettingText(settings.Source(row));
  object["reloadable"] = row.reloadable;
  object["documentation"] = SettingText(row.documentation);
  return object;
}

boost::json::object ToJson(const Settings& settings) {
  boost::json::object object;
  boost::json::array& rows = object["settings"].emplace_array();
  for (const SettingRow& row : kSettingTable) rows.push_back(ToJson(row, settings));
  return object;
}

}  // namespace verifyd
