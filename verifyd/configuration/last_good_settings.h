// The last good settings: those that were in force before the settings file became one that can not be used. The daemon
// starts with them where it must not stay away, because a service manager holds its sockets and clients wait there for
// an answer.
//
// They are kept in data_directory as settings.good, in the syntax of verifyd.cf: all that was set, in the file or by
// -o, each as it was written. The files that they name are not copied: if a missing file makes the settings invalid, it
// makes these invalid, too. The values of Postfix are not copied either: Postfix is asked anew.
//
// Thread: any; files are read and written.
#ifndef VERIFYD_VERIFYD_CONFIGURATION_LAST_GOOD_SETTINGS_H_
#define VERIFYD_VERIFYD_CONFIGURATION_LAST_GOOD_SETTINGS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/settings/settings.h"

namespace verifyd {

// Returns the path where they are kept.
std::string LastGoodSettingsFile(const std::string& data_directory);

// Makes the file anew (mode 0600), whole or not at all. `settings` are in force, and came from `settings_file`. Errors
// name the file and the reason.
absl::Status KeepLastGoodSettings(const Settings& settings, const std::string& settings_file);

// Creates their configuration. Errors: NotFound where none of `settings_file` are kept; else the faults of the
// settings.
absl::StatusOr<Configuration> LoadLastGoodSettings(const std::string& data_directory, const std::string& settings_file);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_LAST_GOOD_SETTINGS_H_
