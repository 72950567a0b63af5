// Hosts that did not answer when they were dialed, remembered for all addresses and all domains they serve: no other
// probe waits for the same time-out. After a pause, which grows, one probe tries again.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_DEAD_HOSTS_H_
#define VERIFYD_PROBE_DEAD_HOSTS_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "stream/dialer.h"

namespace verifyd {

class DeadHosts {
 public:
  static constexpr absl::Duration kFirstPause = absl::Minutes(1);
  static constexpr absl::Duration kLongestPause = absl::Minutes(15);
  static constexpr size_t kMaxHosts = 10000;

  void NoteDead(const Endpoint& endpoint, MonoTime now);
  void NoteAlive(const Endpoint& endpoint);
  // Returns true while the host need not be tried. After a pause one caller is told false, and tries; the others are
  // told true for another kFirstPause.
  bool Dead(const Endpoint& endpoint, MonoTime now);
  void Forget() { dead_.clear(); }
  size_t size() const { return dead_.size(); }

 private:
  struct Death {
    MonoTime until;
    absl::Duration pause;
  };
  absl::flat_hash_map<std::string, Death> dead_;  // by address and port
  MonoTime looked_;                               // when hosts whose pause is over were last dropped
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DEAD_HOSTS_H_
