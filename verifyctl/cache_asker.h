// The asker of a cache whose daemon does not run: through the same api it answers from memory as the daemon would. It
// probes nothing.
#ifndef VERIFYD_VERIFYCTL_CACHE_ASKER_H_
#define VERIFYD_VERIFYCTL_CACHE_ASKER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "verifyctl/asker.h"
#include "verifyd/configuration/configuration.h"

namespace verifyd {

// Checks that the cache's file is there and may be read. Errors: NotFound, PermissionDenied.
absl::Status CheckCacheFile(const std::string& file);

class CacheAsker : public Asker {
 public:
  // Errors: as of CheckCacheFile (a missing file is not made), PermissionDenied where it may not be written,
  // Unavailable when it can not be used.
  static absl::StatusOr<std::unique_ptr<CacheAsker>> Open(const Configuration& configuration);
  // Commits what was changed.
  ~CacheAsker() override;

  // Only for the routes that need no probe and no daemon: query, record, records, pins. While another process has the
  // cache open, changes are refused (503). Waits for the disk, whatever the patience. There is no error.
  absl::StatusOr<int> Ask(const ApiRequest& request, LineSink sink) override;

 private:
  struct Impl;
  explicit CacheAsker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_CACHE_ASKER_H_
