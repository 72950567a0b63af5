// A breaker leaves a destination, or one domain at it, alone when asking makes no sense or does harm. After a pause it
// tries again with one probe; the pause grows with every trial that fails.
//
//   closed ──trouble──▶ open ──pause over──▶ one trial ──success──▶ closed
//                        ▲                        └──trouble: longer pause──┐
//                        └──────────────────────────────────────────────────┘
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_BREAKER_H_
#define VERIFYD_PROBE_BREAKER_H_

#include <cstdint>

#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"
#include "mail/destination_state.h"
#include "mail/finding.h"

namespace verifyd {

// The first pause and the longest; each is jittered by a fifth, so that many that opened together do not try together.
struct BreakerPause {
  absl::Duration first;
  absl::Duration longest;
};

class Breaker {
 public:
  // So many failures in a row to hold a conversation open it; a plain word of the server opens it at once.
  static constexpr uint32_t kFailures = 3;
  // A trouble counts for so long after it was last met.
  static constexpr absl::Duration kMemory = absl::Hours(24);

  // `state` is as an earlier run left it, or new. It must outlive the breaker, which alone changes it.
  explicit Breaker(BreakerState& state) : state_(state) {}
  Breaker(const Breaker&) = delete;
  Breaker& operator=(const Breaker&) = delete;

  enum class Gate {
    kClosed,  // ask
    kTrial,   // ask, as the one trial: EndTrial must follow
    kOpen,    // do not
  };
  Gate Pass(absl::Time now);
  void EndTrial() { trying_ = false; }

  // Forgets all trouble.
  void Reset();

  // These return whether the state changed in a way worth keeping. NoteSuccess: a conversation was held.
  bool NoteSuccess(absl::Time now);
  // No conversation came about.
  bool NoteFailure(Reason reason, const BreakerPause& pause, absl::Time now, absl::BitGenRef random);
  // The server told us to stay away, or to come slower.
  bool Trip(Reason reason, const BreakerPause& pause, absl::Time now, absl::BitGenRef random);

  bool open(absl::Time now) const { return state_.open_until > now; }
  // True if nothing that still counts speaks against it: it need not be remembered.
  bool blank(absl::Time now) const;
  const BreakerState& state() const { return state_; }

 private:
  BreakerState& state_;
  bool trying_ = false;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_BREAKER_H_
