// The place of a daemon, as the command line gives it: its settings, its socket, its cache; and the asker there.
#ifndef VERIFYD_VERIFYCTL_PLACE_H_
#define VERIFYD_VERIFYCTL_PLACE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "verifyctl/asker.h"
#include "verifyctl/console.h"
#include "verifyd/settings/settings.h"

namespace verifyd {

constexpr char kDefaultSettingsFile[] = "/etc/verifyd/verifyd.cf";

struct Place {
  std::string settings_file;  // empty: the default one, and no harm if that is missing
  std::string socket;         // empty: the settings' own
};

// FailedPrecondition when the file can not be read or is wrong.
absl::StatusOr<Settings> LoadSettings(const Place& place);

// Both look for nothing before they are asked. The errors of Ask are those of the asker that answers, those of
// LoadSettings, and FailedPrecondition where the settings say that there is no socket. A wrong settings file locks
// nobody out of a daemon that runs with earlier settings: `console.err` is told, and the socket is the one in the file,
// or the default.
std::unique_ptr<Asker> DaemonAt(const Place& place, Console& console);
// When no daemon listens, its cache is opened and asked instead, and `console.err` is told so.
std::unique_ptr<Asker> DaemonOrCacheAt(const Place& place, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_PLACE_H_
