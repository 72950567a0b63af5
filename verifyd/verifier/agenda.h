// The agenda: probes that happen later, unasked, such as a second opinion on an address that existed before, or the
// retry that a greylisting server expects. It reads the store's index of due addresses, so it survives a restart. It
// spreads the probes: few run at a time, fewer still of one domain. It goes through the due addresses in rounds, some
// at a time, so that those for whom there is no place now do not hide the others.
//
// Refreshes of addresses that are asked for are not on it: the verifier makes them behind its answer. Without a store
// there is no index, and due addresses wait for the next question.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_AGENDA_H_
#define VERIFYD_VERIFYD_VERIFIER_AGENDA_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "base/timer.h"
#include "cache/cache.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

class Agenda {
 public:
  // Probes in the air at one time, in all and of one domain.
  static constexpr size_t kAtOnce = 50;
  static constexpr size_t kOfOneDomain = 5;

  // Begins at once. Cache and verifier outlive the agenda, or the loop does not run any more.
  Agenda(Loop& loop, Cache& cache, Verifier& verifier);
  ~Agenda();
  Agenda(const Agenda&) = delete;
  Agenda& operator=(const Agenda&) = delete;

  size_t probing() const { return probing_; }

 private:
  void Look();
  void LookBy(absl::Time when);
  // False where the domain's share is used up.
  bool Begin(const Cache::Planned& planned, absl::Time now);

  Loop& loop_;
  Cache& cache_;
  Verifier& verifier_;
  Timer timer_;
  absl::Time planned_ = absl::InfiniteFuture();
  // How far this round has come, and whether an address did not get a place.
  Cache::Planned passed_;
  bool left_ = false;
  size_t probing_ = 0;
  absl::flat_hash_map<std::string, size_t> by_domain_;
  // Its probes hold this; null once the agenda is gone.
  std::shared_ptr<Agenda*> self_ = std::make_shared<Agenda*>(this);
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_AGENDA_H_
