// Our own addresses to ask from, used in turn. An address that a provider blocks rests there, and there only.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_SOURCE_POOL_H_
#define VERIFYD_PROBE_SOURCE_POOL_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "mail/destination_state.h"

namespace verifyd {

class SourcePool {
 public:
  static constexpr absl::Duration kRest = absl::Hours(4);
  static constexpr size_t kMaxProviders = 10000;

  // Returns the next of `addresses` that does not rest at `provider`, or the next of all if all rest (the provider then
  // says again that it blocks us). Empty: there are none, and the system chooses.
  std::string Next(const std::string& provider, const std::vector<std::string>& addresses, absl::Time now);
  // Lets `address` rest at the provider. Returns false if no other of `addresses` is left there.
  bool Rest(const std::string& provider, const std::string& address, const std::vector<std::string>& addresses,
            absl::Time now);
  bool resting(const std::string& provider, const std::string& address, absl::Time now) const;
  // False: no address rests at any provider.
  bool any_resting() const { return !resting_.empty(); }
  // The resting addresses, as they are kept with a destination of this provider.
  std::vector<RestingSource> RestingAt(const std::string& provider, absl::Time now) const;
  void Restore(const std::string& provider, const std::vector<RestingSource>& resting);
  void Forget(const std::string& provider) { resting_.erase(provider); }

 private:
  absl::flat_hash_map<std::string, std::vector<RestingSource>> resting_;  // by provider
  size_t turn_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_SOURCE_POOL_H_
