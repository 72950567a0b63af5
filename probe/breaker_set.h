// The breakers of one destination: its own, and one of each domain that is asked about there and had trouble. A
// server's words close its door to one domain, or to all; the operator closes a held destination.
//
// Blame climbs slowly. Before a recipient is named, a lack of conversation is the destination's, and so is a refusal of
// our IP address; other refusals (in the greeting, of EHLO or of MAIL) are the domain's. A trouble at a recipient, be
// it a word about us, silence or a hang-up, is first the address's own: kFailures different addresses must meet it
// before their domain is left alone. Three domains that are left alone make a trouble the destination's. A trouble at a
// recipient does not climb while others there are answered (probe/recent_answers.h).
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_BREAKER_SET_H_
#define VERIFYD_PROBE_BREAKER_SET_H_

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

// Returns whether we are told to stay away, or to come slower.
bool IsRefusalOfUs(Reason reason);
// Returns whether it is said of our IP address: that holds for every domain there; other policies may be one tenant's.
bool IsAboutOurAddress(Reason reason);

// These are told of each state that changed in a way worth keeping; either may be null.
struct StateObserver {
  std::function<void(const DestinationState&)> destination;
  std::function<void(const DomainBreaker&)> domain;
};

class BreakerSet {
 public:
  // `observer` must outlive this.
  BreakerSet(DestinationState state, const StateObserver& observer);
  BreakerSet(const BreakerSet&) = delete;
  BreakerSet& operator=(const BreakerSet&) = delete;

  // Takes what an earlier run knew of one domain here.
  void RestoreDomain(DomainBreaker state);

  // Returns nothing if the job may be asked about, perhaps as the one trial, which EndTrials ends; else a finding that
  // says why not.
  std::optional<Finding> Pass(ProbeJob& job, absl::Time now);
  void EndTrials(ProbeJob& job);
  // Learn takes the last word on a job. `answered` says whether its domain, or any, was answered here lately.
  struct Answered {
    bool of_domain = false;
    bool anybody = false;
  };
  void Learn(const ProbeJob& job, const Finding& finding, const Answered& answered, absl::Time now,
             absl::BitGenRef random);

  // Lets nobody be asked until then; InfinitePast: as usual again.
  void Hold(absl::Time until);
  // Forgets every trouble, but not the operator's hold.
  void Reset();
  // Changes what is kept beside the trouble: the pace that was borne, resting sources.
  void Keep(double questions_per_second, std::vector<RestingSource> resting);

  // True if nothing about it must be remembered.
  bool blank(absl::Time now) const;
  bool held(absl::Time now) const { return state_.held_until > now; }
  const DestinationState& state() const { return state_; }
  const std::string& name() const { return state_.name; }

 private:
  // A domain that had trouble, and the hashes of the addresses that met it since an address there was answered.
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

#endif  // VERIFYD_PROBE_BREAKER_SET_H_
