// The memory: what is held of an address, and what that answers. It asks nobody, starts nothing and writes nothing but
// that somebody has asked; the verifier (verifier.h) does, where memory has no answer, or an old one.
//
// Thread: that of the cache's loop.
#ifndef VERIFYD_VERIFYD_VERIFIER_MEMORY_H_
#define VERIFYD_VERIFYD_VERIFIER_MEMORY_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/cache.h"
#include "cache/lifetime.h"
#include "cache/record.h"
#include "mail/address.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"
#include "mail/question.h"
#include "mail/verdict.h"
#include "probe/prober.h"
#include "tables/domain_list.h"
#include "verifyd/verifier/held.h"

namespace verifyd {

struct MemorySettings {
  Lifetimes lifetimes;
  DomainList verify_domains;
  bool negative_cache = true;   // address_verify_negative_cache
  bool postfix_policy = false;  // address_verify_verdict_policy = postfix
  bool hold_defers = true;      // hold_new_address_action
};

class Memory {
 public:
  // Both outlive the memory.
  Memory(const Clock& clock, Cache& cache) : clock_(clock), cache_(cache) {}

  // Before the first question, and after a reload.
  void Configure(std::shared_ptr<const MemorySettings> settings) { settings_ = std::move(settings); }

  // What it takes to answer. Where there is a pin nothing else is read, and of the domain only where the record does
  // not answer.
  Held Find(const Address& address) const;
  // All of it.
  Held FindAll(const Address& address) const;
  // The operator's word alone: pin and hold.
  Held FindWord(const Address& address) const;
  // What is known of catch-all; reads of the domain where that was left out.
  CatchAll KnownCatchAll(const Address& address, const Held& held) const;

  // The whole answer to a question that must not lead to a probe (Question::memory_only); state kNotCached: there is
  // none. That somebody has asked is noted (Cache::NoteAsked).
  Verdict Recall(const Question& question) const;

  // The answer that does not depend on what was found out: a pin, a domain that is not verified, a hold, what can be no
  // address. Nothing: there is none of these.
  std::optional<Verdict> Overruling(const Question& question, const Held& held) const;
  // What was found out, of the address or else of its domain, fresh or not.
  std::optional<Verdict> FoundOut(const Held& held) const;
  // What answers a question that may lead to a probe, and whether a refresh is due behind it (Verdict::refreshing).
  // Nothing: the question waits for a probe. By verify(8)'s rule state kInProgress says that a probe was begun and is
  // not repeated yet.
  std::optional<Verdict> Answer(const Question& question, const Held& held) const;
  // What is held is a negative that is old enough for a second look, and the question has time for that.
  bool CallsForALook(const Question& question, const Held& held) const;
  // What is better than "in progress" when patience has ended.
  std::optional<Verdict> Fallback(const Question& question, const Held& held) const;
  // What is held true, however old; state kInProgress: nothing.
  Verdict Standing(const Held& held) const;
  // While a domain, or where it is asked, is on hold: what is known stays, and nothing is learned.
  Verdict OnHold(const Address& address, const Held& held) const;

 private:
  std::optional<Verdict> ByPostfixRule(const Held& held) const;
  Verdict FromPin(const Pin& pin) const;
  Verdict FromRecord(const Record& record) const;
  std::optional<Verdict> FromDomain(const Held& held) const;
  void ReadWord(const Address& address, Held& held) const;
  void ReadRecord(const Address& address, Held& held) const;
  void ReadDomain(const Address& address, Held& held) const;

  const Clock& clock_;
  Cache& cache_;
  std::shared_ptr<const MemorySettings> settings_;
};

// What is remembered of destinations: the prober gets what the cache holds of them, now and whenever it has forgotten
// it, and the cache what changes. Both must outlive the other's use.
void RememberDestinations(Cache& cache, Prober& prober);

// `finding` as an answer, `now`.
Verdict Known(VerdictSource source, const Finding& finding, absl::Time now);
// Nobody is to be asked about the address, or can be.
Verdict NotVerifiable(std::string why);
// A probe is in the air, and its answer still out.
Verdict InProgress();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_MEMORY_H_
