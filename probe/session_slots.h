// How many sessions there may be at one time, at all destinations together: what descriptors, ports and memory allow.
// Nobody outside decides who gets them:
//
//   - Who asks for somebody who waits comes first; refreshes and lists leave him a tenth.
//   - A tenth is kept for what the operator's own domains and routes need.
//   - While there is room everybody takes what he wants. From half of it on, the servers of one owner (a registrable
//     domain, whatever names are in it) get no more than a tenth: who has more waits until he has less.
//   - Among those who wait owners take turns.
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

// Who wants a slot.
struct SlotClaim {
  Urgency urgency = Urgency::kWaiting;
  // A route of the operator's, or a domain of his: no share holds it up.
  bool own = false;
  // Whose servers are asked: a registrable domain; for a route of the operator's, its name.
  std::string owner = {};
};

class SessionSlots {
 public:
  // After the system said that it has no more, it is asked for more than it gave after so long.
  static constexpr absl::Duration kExhaustion = absl::Seconds(10);
  // An owner's share where a tenth would be less: a small limit is nobody's to divide.
  static constexpr size_t kLeastShare = 20;

  SessionSlots(Loop& loop, size_t limit);

  void SetLimit(size_t limit);
  // Waits until there is one; Release, with the same claim, gives it back. The slots must live until it returns, and
  // the claim.
  boost::asio::awaitable<void> Acquire(const SlotClaim& claim);
  // False: it has to be waited for.
  bool TryAcquire(const SlotClaim& claim);
  void Release(const SlotClaim& claim);
  // The system has no more: what is open now has to do for a while.
  void NoteExhausted();
  // A connection that does nothing stands in somebody's way, or what all of them keep in memory does.
  static constexpr size_t kManySessions = 1000;
  bool scarce() const { return in_use_ > std::min(limit() / 2, kManySessions); }
  // Somebody who is waited for, and has not more than his share, waits for a slot.
  bool pressed() const { return in_use_ > limit() / 2 && own_.waiting() + public_.waiting() > 0; }
  size_t in_use() const { return in_use_; }
  size_t limit() const;
  static bool Urgent(Urgency urgency) { return urgency == Urgency::kWaiting || urgency == Urgency::kRetry; }

 private:
  size_t Share() const { return std::max(limit() / 10, kLeastShare); }
  bool HasHisShare(const SlotClaim& claim) const;
  bool HasShare(const std::string& owner) const;
  FairLine& LineOf(const SlotClaim& claim);
  // How many may be in use before one more for the line.
  size_t LimitOf(const FairLine& line) const;
  void CallFrom(FairLine& line);
  void CallThoseWithLess();
  void Serve();

  Loop& loop_;
  size_t limit_;
  size_t in_use_ = 0;  // with those of who has been called, but does not run yet
  size_t exhausted_at_ = 0;
  MonoTime exhausted_until_;
  Timer exhaustion_ends_;
  absl::flat_hash_map<std::string, size_t> in_use_of_;  // by owner; what is `own` does not count
  FairLine own_;
  FairLine public_;
  FairLine later_;      // refreshes and lists
  FairLine has_share_;  // who has more than his share waits here
  // Owners who have less now, but there was no room when they gave back.
  absl::flat_hash_set<std::string> may_go_on_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_SESSION_SLOTS_H_
