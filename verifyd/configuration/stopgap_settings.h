// The stopgap: what can be used of settings that can not be used as a whole, so that whoever asks has an answer. It
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

// Of `text`, the settings file's, and of `options` every setting that says which doors there are, how trouble is
// answered or where the log goes, and is right by itself; defaults for all others.
Configuration StopgapOf(const std::string& settings_file, absl::string_view text,
                        const std::vector<Assignment>& options);
// Reads the file. One that can not be read is as an empty one.
Configuration LoadStopgap(const std::string& settings_file, const std::vector<Assignment>& options);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_STOPGAP_SETTINGS_H_
