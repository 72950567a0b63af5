// The learner: makes of what a probe has found, and of what is held (held.h), what is held from then on. It reads and
// writes nothing, asks nobody and starts nothing: it returns what is to be written, and which probe it wants. Whether
// the destination is to be believed is not its question but the guard's (guard.h), which is asked before.
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
  // What is held from now on, and which of it is to be written. A record or domain that has changed and is not there is
  // to be deleted.
  Held held;
  bool record_changed = false;
  bool domain_changed = false;
  // What may be said of the address, if nothing is held of it.
  Finding finding;
  // When the address is to be asked about anew, though nobody asks.
  std::optional<absl::Time> wants_probe;
};

class Learner {
 public:
  // `hides_addresses`: local parts are not kept in clear. The clock outlives it.
  Learner(const Clock& clock, bool hides_addresses);
  // Before anything else, and after a reload.
  void Configure(std::shared_ptr<const LearnerSettings> settings) { settings_ = std::move(settings); }

  // Of a probe that `request` began, as far as the guard believes it.
  Learned Learn(const ProbeRequest& request, const ProbeOutcome& outcome, Held held);

  // What would become of what somebody else has found of an address. Nothing: it says nothing of the address.
  std::optional<Imported> WeighReport(const Finding& finding, const Held& held) const;
  // The same, taken in where it is to be. `wanted`: whether a probe would have asked about catch-all.
  Learned LearnReport(const ProbeOutcome& outcome, AskCatchAll wanted, Held held);

  // The probe of the address that was planned is not made: after `pause` it may be, or, where that is without end,
  // never. By verify(8)'s rule it is forgotten that one was begun.
  Learned Forgo(Held held, absl::Duration pause) const;

 private:
  Learned LearnByPostfixRule(const ProbeOutcome& outcome, Held held) const;
  void TakeInDomain(const Address& address, const ProbeOutcome& outcome, Learned& learned) const;
  void TakeInNotHosted(const Address& address, Learned& learned) const;
  void TakeInCatchAll(const Address& address, const ProbeOutcome& outcome, Learned& learned) const;
  void TakeInRecord(const Address& address, const ProbeOutcome& outcome, Learned& learned);
  void PlanRetry(const Address& address, const ProbeOutcome& outcome, const std::optional<Record>& before,
                 Record& record);
  // Whether a 4yz about the user has been said so often that it is meant.
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
