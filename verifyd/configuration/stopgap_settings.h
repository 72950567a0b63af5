// The stopgap: the usable part of settings that can not be used as a whole, so that every client has an answer. It
// opens the doors that the settings name, and answers every request as internal_error_action says; nothing is verified,
// and the cache is left alone.
//
// Thread: any; the file is read.
#ifndef VERIFYD_VERIFYD_CONFIGURATION_STOPGAP_SETTINGS_H_
#define VERIFYD_VERIFYD_CONFIGURATION_STOPGAP_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/settings/setting_syntax.h"

namespace verifyd {

// Takes from `text`, that of the settings file, and from `options` the settings of doors, of the answer to trouble and
// of the log, as far as each is valid; all others have their defaults.
Configuration StopgapOf(const std::string& settings_file, absl::string_view text,
                        const std::vector<Assignment>& options);
// Reads the file. One that can not be read counts as empty.
Configuration LoadStopgap(const std::string& settings_file, const std::vector<Assignment>& options);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_STOPGAP_SETTINGS_H_
