// The learner: joins the finding of a probe with what is held of the address (held.h). It reads and writes nothing,
// asks nobody and starts nothing: it returns what is to be written, and which probe it wants. The guard (guard.h)
// decides first whether the destination is believed.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_LEARNER_H_
#define VERIFYD_VERIFYD_VERIFIER_LEARNER_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/skipped_time.h"
#include "base/token_bucket.h"
#include "mail/address.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"
#include "mail/probe_outcome.h"
#include "mail/probe_request.h"
#include "verifyd/verifier/held.h"
#include "verifyd/verifier/memory.h"
#include "verifyd/verifier/record_import.h"

namespace verifyd {

struct LearnerSettings : MemorySettings {
  bool promote_persistent = false;  // address_verify_promote_persistent
};

struct Learned {
  // The new state of the address, and which parts of it are to be written. A record or domain that has changed and is
  // not there is to be deleted.
  Held held;
  bool record_changed = false;
  bool domain_changed = false;
  // The answer about the address, if nothing is held of it.
  Finding finding;
  // The time of the next probe of the address, even if nobody asks for it.
  std::optional<absl::Time> wants_probe;
};

class Learner {
 public:
  // `hides_addresses`: local parts are not kept in clear. The clock outlives it.
  Learner(const Clock& clock, bool hides_addresses);
  // Call it before anything else, and after a reload.
  void Configure(std::shared_ptr<const LearnerSettings> settings) { settings_ = std::move(settings); }

  // Learns the outcome of the probe that `request` began, as far as the guard believes it.
  Learned Learn(const ProbeRequest& request, const ProbeOutcome& outcome, Held held);

  // Says what would become of a finding of somebody else. Nothing: it says nothing of the address.
  std::optional<Imported> WeighReport(const Finding& finding, const Held& held) const;
  // Weighs such a finding, and learns it where it is taken. `wanted`: when a probe would ask about catch-all.
  Learned LearnReport(const ProbeOutcome& outcome, AskCatchAll wanted, Held held);

  // The probe of the address that was planned is not made: after `pause` it may be, or, where that is without end,
  // never.
  Learned Forgo(Held held, absl::Duration pause) const;
  // The same of a probe that was begun and has asked nobody. By verify(8)'s rule it is forgotten that it was begun.
  Learned ForgetProbe(Held held, absl::Duration pause) const;

 private:
  Learned LearnByPostfixRule(const ProbeOutcome& outcome, Held held) const;
  void TakeInDomain(const Address& address, const ProbeOutcome& outcome, Learned& learned) const;
  void TakeInNotHosted(const Address& address, Learned& learned) const;
  void TakeInCatchAll(const Address& address, const ProbeOutcome& outcome, Learned& learned) const;
  void TakeInRecord(const Address& address, const ProbeOutcome& outcome, Learned& learned);
  void PlanRetry(const Address& address, const ProbeOutcome& outcome, const std::optional<Record>& before,
                 Record& record);
  // Whether a 4yz about the user has come so often that it counts as permanent; only where the operator wants that.
  bool IsPersistent(const Finding& finding, const std::optional<Record>& record) const;
  void Merge(const DomainFact& fact, Learned& learned) const;
  CatchAll KnownCatchAll(const ProbeOutcome& outcome, AskCatchAll wanted, const Held& held) const;
  void Keep(Record record, Learned& learned) const;

  const Clock& clock_;
  const bool hides_addresses_;
  std::shared_ptr<const LearnerSettings> settings_;
  SkippedTime skipped_;
  TokenBucket hurried_again_{absl::Minutes(1)};
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_LEARNER_H_
