// The asker answers the requests of verbs. There are two, the daemon (daemon_asker.h) and the cache of a daemon
// that does not run (cache_asker.h); the place makes one (place.h).
//
// Thread: the one that made it.
#ifndef VERIFYD_VERIFYCTL_ASKER_H_
#define VERIFYD_VERIFYCTL_ASKER_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/api/api.h"

namespace verifyd {

// Gets the lines of an answer as they come, those that come together at once, without their line ends.
using LineSink = absl::FunctionRef<void(const std::vector<absl::string_view>& lines)>;

class Asker {
 public:
  virtual ~Asker() = default;
  // Returns the HTTP status of the answer. Blocks until the answer is whole.
  virtual absl::StatusOr<int> Ask(const ApiRequest& request, LineSink sink) = 0;
  // The limit for each answer from now on; without it, there is none.
  void set_patience(absl::Duration patience) { patience_ = patience; }

 protected:
  absl::Duration patience() const { return patience_; }

 private:
  absl::Duration patience_ = absl::InfiniteDuration();
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_ASKER_H_
