// Who answers the verbs: the daemon, or its cache while none runs and memory is enough.
#ifndef VERIFYD_VERIFYCTL_ASKER_H_
#define VERIFYD_VERIFYCTL_ASKER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "verifyctl/console.h"
#include "verifyctl/daemon_client.h"
#include "verifyctl/local_cache.h"
#include "verifyd/settings/settings.h"

namespace verifyd {

constexpr char kDefaultSettingsFile[] = "/etc/verifyd/verifyd.cf";

// Where the daemon is, as the command line says it.
struct Place {
  std::string settings_file;  // empty: the default one, and no harm if that is missing
  std::string socket;         // empty: what the settings say
};

// FailedPrecondition when the file can not be read or is wrong.
absl::StatusOr<Settings> LoadSettings(const Place& place);

class Asker {
 public:
  // `memory_will_do`: when no daemon listens, its cache is opened and asked instead; `console.err` is told.
  Asker(const Place& place, bool memory_will_do, Console& console)
      : place_(place), memory_will_do_(memory_will_do), console_(console) {}

  // The HTTP status. Errors as of AskDaemon, and, without a daemon, of LoadSettings and LocalCache::Open;
  // FailedPrecondition where the settings say that there is no socket. A settings
  // file that is wrong locks nobody out of a daemon that runs with the settings of before: `console.err` is told, and
  // what the file says of the socket holds, or the default.
  absl::StatusOr<int> Ask(const ApiRequest& request, LineSink sink);
  // For each answer of a daemon from now on; without it, as long as that takes.
  void set_patience(absl::Duration patience) { patience_ = patience; }

 private:
  std::string Socket();
  absl::Status OpenCache(const absl::Status& why);

  const Place place_;
  const bool memory_will_do_;
  Console& console_;
  std::string socket_;  // once it is known
  absl::Duration patience_ = absl::InfiniteDuration();
  std::unique_ptr<LocalCache> cache_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_ASKER_H_
