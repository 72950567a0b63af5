// The slots limit the sessions at one time, at all destinations together, to what descriptors, ports and memory allow.
// No stranger decides who gets them:
//
//   - A probe that somebody waits for comes first; refreshes and lists leave a tenth to such probes.
//   - A tenth is kept for the operator's own domains and routes.
//   - While there is room every owner takes what it wants. From half of the limit on, the servers of one owner (a
//     registrable domain, whatever names are in it) get no more than a tenth: an owner with more waits until it has
//     less.
//   - Waiting owners take turns.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_SESSION_SLOTS_H_
#define VERIFYD_PROBE_SESSION_SLOTS_H_

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/timer.h"
#include "boost/asio/awaitable.hpp"
#include "mail/question.h"
#include "probe/fair_line.h"

namespace verifyd {

// A wish for a slot.
struct SlotClaim {
  Urgency urgency = Urgency::kWaiting;
  // A route of the operator's, or a domain of his: no share holds it up.
  bool own = false;
  // The owner of the servers: a registrable domain; for a route of the operator's, its name.
  std::string owner = {};
};

class SessionSlots {
 public:
  // After the system said that it has no more, we wait so long before we ask it for more than it gave.
  static constexpr absl::Duration kExhaustion = absl::Seconds(10);
  // An owner's share where a tenth would be less: a small limit can not be divided.
  static constexpr size_t kLeastShare = 20;

  SessionSlots(Loop& loop, size_t limit);

  void SetLimit(size_t limit);
  // Waits for a slot; Release, with the same claim, gives it back. The slots and the claim must live until it returns.
  boost::asio::awaitable<void> Acquire(const SlotClaim& claim);
  // Returns false if a slot must be waited for.
  bool TryAcquire(const SlotClaim& claim);
  void Release(const SlotClaim& claim);
  // Notes that the system has no more: the sessions that are open now must do for a while.
  void NoteExhausted();
  // True if idle connections stand in the way of others, or take too much memory together.
  static constexpr size_t kManySessions = 1000;
  bool scarce() const { return in_use_ > std::min(limit() / 2, kManySessions); }
  // True if a probe that somebody waits for, whose owner has no more than its share, waits for a slot.
  bool pressed() const { return in_use_ > limit() / 2 && own_.waiting() + public_.waiting() > 0; }
  size_t in_use() const { return in_use_; }
  size_t limit() const;
  static bool Urgent(Urgency urgency) { return urgency == Urgency::kWaiting || urgency == Urgency::kRetry; }

 private:
  size_t Share() const { return std::max(limit() / 10, kLeastShare); }
  bool HasHisShare(const SlotClaim& claim) const;
  bool HasShare(const std::string& owner) const;
  FairLine& LineOf(const SlotClaim& claim);
  // Returns the number in use from which on the line gets no more.
  size_t LimitOf(const FairLine& line) const;
  void CallFrom(FairLine& line);
  void CallThoseWithLess();
  void Serve();

  Loop& loop_;
  size_t limit_;
  size_t in_use_ = 0;  // with waiters that were called, but do not run yet
  size_t exhausted_at_ = 0;
  MonoTime exhausted_until_;
  Timer exhaustion_ends_;
  absl::flat_hash_map<std::string, size_t> in_use_of_;  // by owner; what is `own` does not count
  FairLine own_;
  FairLine public_;
  FairLine later_;      // refreshes and lists
  FairLine has_share_;  // owners that have their share wait here
  // Owners that have less now; there was no room when they gave back.
  absl::flat_hash_set<std::string> may_go_on_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_SESSION_SLOTS_H_
