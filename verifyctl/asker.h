// Answers the verbs: by the daemon, or by its cache while none runs and memory is enough.
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

// The daemon's place, as the command line gives it.
struct Place {
  std::string settings_file;  // empty: the default one, and no harm if that is missing
  std::string socket;         // empty: the settings' own
};

// FailedPrecondition when the file can not be read or is wrong.
absl::StatusOr<Settings> LoadSettings(const Place& place);

class Asker {
 public:
  // `memory_will_do`: when no daemon listens, its cache is opened and asked instead, and `console.err` is told so.
  Asker(const Place& place, bool memory_will_do, Console& console)
      : place_(place), memory_will_do_(memory_will_do), console_(console) {}

  // Returns the HTTP status. Errors as of AskDaemon, and, without a daemon, of LoadSettings and LocalCache::Open;
  // FailedPrecondition where the settings say that there is no socket. A wrong settings file locks nobody out of a
  // daemon that runs with earlier settings: `console.err` is told, and the socket is the one in the file, or the
  // default.
  absl::StatusOr<int> Ask(const ApiRequest& request, LineSink sink);
  // The limit for each answer of a daemon from now on; without it, there is none.
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
