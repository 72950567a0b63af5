// The agenda: probes that happen later, unasked. A second opinion on an address that was there, a retry that a
// greylisting server was promised. It lives off the store's due index, so it survives a restart, and it is spread: few
// at a time, fewer still of one domain, and the rest when their turn comes. What is due is gone through in rounds, some
// of it at a time: those for whom there is no place now do not hide the others.
//
// Refreshes of what is asked for are not on it: the verifier makes them behind its answer. Without a store there is no
// index, and what is due waits for the next question.
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
  // Probes in the air at one time, and of them of one domain.
  static constexpr size_t kAtOnce = 50;
  static constexpr size_t kOfOneDomain = 5;

  // Begins at once; both outlive the agenda, or the loop does not run any more.
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
  // Of this round: how far it has come, and whether somebody did not get a place.
  Cache::Planned passed_;
  bool left_ = false;
  size_t probing_ = 0;
  absl::flat_hash_map<std::string, size_t> by_domain_;
  // What its probes know it by; null once it is gone.
  std::shared_ptr<Agenda*> self_ = std::make_shared<Agenda*>(this);
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_AGENDA_H_
