// The breakers of one destination: its own, and one of each domain that is asked about there and had trouble. What a
// server says closes its door to one domain, or to all; a held destination is closed by the operator.
//
// Blame climbs slowly. What happens before a recipient is named (no connection, a refusal in the greeting, of EHLO or
// of MAIL) is the destination's. What happens to a recipient, be it a word about us, silence or a hang-up, is that
// address's first: kFailures different ones must meet it before their domain is left alone, and three domains that are
// left alone make it the destination's. Neither happens while others there are answered (probe/recent_answers.h).
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_BREAKERS_H_
#define VERIFYD_PROBE_BREAKERS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/time/time.h"
#include "mail/destination_state.h"
#include "mail/finding.h"
#include "probe/breaker.h"
#include "probe/probe_job.h"

namespace verifyd {

// Told to stay away, or to come slower.
bool IsRefusalOfUs(Reason reason);
// What is said of our address holds for every domain there; other policies may be those of one tenant.
bool IsAboutOurAddress(Reason reason);

// Told of each state that changed in a way worth keeping; either may be null.
struct StateObserver {
  std::function<void(const DestinationState&)> destination;
  std::function<void(const DomainBreaker&)> domain;
};

class Breakers {
 public:
  // `observer` must outlive this.
  Breakers(DestinationState state, const StateObserver& observer);
  Breakers(const Breakers&) = delete;
  Breakers& operator=(const Breakers&) = delete;

  // What an earlier run knew of one domain here.
  void RestoreDomain(DomainBreaker state);

  // Nothing: the job may be asked about, perhaps as the one trial, which EndTrials ends. Else why not.
  std::optional<Finding> Pass(ProbeJob& job, absl::Time now);
  void EndTrials(ProbeJob& job);
  // What was said of the job in the end; `answered`: who else was answered here lately.
  struct Answered {
    bool of_domain = false;
    bool anybody = false;
  };
  void Learn(const ProbeJob& job, const Finding& finding, const Answered& answered, absl::Time now,
             absl::BitGenRef random);

  // Nobody is asked until then; InfinitePast: as usual again.
  void Hold(absl::Time until);
  // Forgets every trouble, not the operator's hold.
  void Reset();
  // Changes what is kept beside the trouble: the pace that was borne, resting sources.
  void Keep(double questions_per_second, std::vector<RestingSource> resting);

  // Nothing about it must be remembered.
  bool blank(absl::Time now) const;
  bool held(absl::Time now) const { return state_.held_until > now; }
  const DestinationState& state() const { return state_; }
  const std::string& name() const { return state_.name; }

 private:
  // A domain that had trouble, and the addresses that met it since somebody there was answered (their hashes).
  struct Domain {
    explicit Domain(DomainBreaker state) : state(std::move(state)) {}
    DomainBreaker state;
    Breaker breaker{state.breaker};
    absl::InlinedVector<size_t, Breaker::kFailures> met;
  };

  Domain& DomainOf(const std::string& domain);
  bool HasRoomFor(const std::string& domain, absl::Time now);
  void NoteConversation(const ProbeJob& job, absl::Time now);
  void NoteRefusal(const ProbeJob& job, Reason reason, absl::Time now, absl::BitGenRef random);
  void NoteOddAddress(const ProbeJob& job, Reason reason, const Answered& answered, const BreakerPause& pause,
                      absl::Time now, absl::BitGenRef random);
  void TripWhereDomainsAgree(Reason reason, const BreakerPause& pause, absl::Time now, absl::BitGenRef random);
  void Report() const;
  void Report(const Domain& domain) const;

  const StateObserver& observer_;
  DestinationState state_;
  Breaker own_{state_.breaker};
  absl::flat_hash_map<std::string, std::unique_ptr<Domain>> domains_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_BREAKERS_H_
