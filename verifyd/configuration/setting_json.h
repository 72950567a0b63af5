// Settings as JSON, as the control socket and `verifyctl config` show them.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_CONFIGURATION_SETTING_JSON_H_
#define VERIFYD_VERIFYD_CONFIGURATION_SETTING_JSON_H_

#include "boost/json/fwd.hpp"
#include "verifyd/settings/settings.h"

namespace verifyd {

// Describes one setting: name, raw, value (expanded), default, set, source, reloadable, documentation.
boost::json::object ToJson(const SettingRow& row, const Settings& settings);
// Returns {"settings": [...]}: all settings, by name.
boost::json::object ToJson(const Settings& settings);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_SETTING_JSON_H_
