// How many sessions there may be at one time, at all destinations together: what descriptors, ports and memory allow.
// Who asks for somebody who waits comes first; refreshes and lists leave him a tenth.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_SESSION_SLOTS_H_
#define VERIFYD_PROBE_SESSION_SLOTS_H_

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"
#include "mail/question.h"

namespace verifyd {

class SessionSlots {
 public:
  // After the system said that it has no more, it is asked for more than it gave after so long.
  static constexpr absl::Duration kExhaustion = absl::Seconds(10);

  SessionSlots(Loop& loop, size_t limit);

  void SetLimit(size_t limit) { limit_ = limit; }
  // Waits until there is one; Release gives it back. The slots must live until it returns.
  boost::asio::awaitable<void> Acquire(Urgency urgency);
  void Release();
  // The system has no more: what is open now has to do for a while.
  void NoteExhausted();
  // A connection that does nothing stands in somebody's way, or what all of them keep in memory does.
  static constexpr size_t kManySessions = 1000;
  bool scarce() const { return in_use_ > std::min(limit() / 2, kManySessions); }
  size_t in_use() const { return in_use_; }
  size_t limit() const;
  static bool Urgent(Urgency urgency) { return urgency == Urgency::kWaiting || urgency == Urgency::kRetry; }

 private:
  size_t LimitFor(bool urgent) const;

  Loop& loop_;
  size_t limit_;
  size_t in_use_ = 0;
  size_t exhausted_at_ = 0;
  MonoTime exhausted_until_;
  Signal urgent_;
  Signal others_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_SESSION_SLOTS_H_
