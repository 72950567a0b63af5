// The cache of a daemon that does not run, asked through the same api: it answers from memory as the daemon would, and
// probes nothing.
#ifndef VERIFYD_VERIFYCTL_LOCAL_CACHE_H_
#define VERIFYD_VERIFYCTL_LOCAL_CACHE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verifyctl/daemon_client.h"
#include "verifyd/api/api.h"
#include "verifyd/configuration/configuration.h"

namespace verifyd {

// Checks that the cache's file is there and may be read. Errors: NotFound, PermissionDenied.
absl::Status CheckCacheFile(const std::string& file);

class LocalCache {
 public:
  // Errors: as of CheckCacheFile (a missing file is not made), PermissionDenied where it may not be written,
  // Unavailable when it can not be used.
  static absl::StatusOr<std::unique_ptr<LocalCache>> Open(const Configuration& configuration);
  // Commits what was changed.
  ~LocalCache();

  // As AskDaemon. Only for the routes that need no probe and no daemon: query, record, records, pins. While another
  // process has the cache open, changes are refused (503).
  int Ask(const ApiRequest& request, LineSink sink);

 private:
  struct Impl;
  explicit LocalCache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_LOCAL_CACHE_H_
