// The memory: reads what is held of an address, and makes answers of it. It asks nobody, starts nothing, and writes
// only that somebody has asked. Where it has no answer, or an old one, the verifier (verifier.h) probes.
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
  // Clock and cache outlive the memory.
  Memory(const Clock& clock, Cache& cache) : clock_(clock), cache_(cache) {}

  // Call it before the first question, and after a reload.
  void Configure(std::shared_ptr<const MemorySettings> settings) { settings_ = std::move(settings); }

  // Reads as much as an answer takes: where there is a pin, nothing else; the domain only where the record does not
  // answer.
  Held Find(const Address& address) const;
  // Reads all of it.
  Held FindAll(const Address& address) const;
  // Reads the operator's word alone: pin and hold.
  Held FindWord(const Address& address) const;
  // Returns what is known of catch-all; reads the domain if `held` does not have it.
  CatchAll KnownCatchAll(const Address& address, const Held& held) const;

  // Returns the whole answer to a question that must not lead to a probe (Question::memory_only); state kNotCached:
  // there is none. Notes that somebody has asked (Cache::NoteAsked).
  Verdict Recall(const Question& question) const;

  // Returns an answer that comes before all findings: of a pin, a domain that is not verified, a hold, or a text that
  // can be no address. Nothing: there is none of these.
  std::optional<Verdict> Overruling(const Question& question, const Held& held) const;
  // Returns the finding of the address, or else of its domain, fresh or not.
  std::optional<Verdict> FoundOut(const Held& held) const;
  // Answers a question that may lead to a probe, and says whether a refresh is due behind the answer
  // (Verdict::refreshing). Nothing: the question waits for a probe. By verify(8)'s rule state kInProgress says that a
  // probe was begun and is not repeated yet.
  std::optional<Verdict> Answer(const Question& question, const Held& held) const;
  // Whether a negative is held that is old enough for a second look, and the question has time for that.
  bool CallsForALook(const Question& question, const Held& held) const;
  // Returns an answer that is better than "in progress" when patience has ended.
  std::optional<Verdict> Fallback(const Question& question, const Held& held) const;
  // Returns what is held true; state kInProgress: nothing.
  Verdict Standing(const Held& held) const;
  // Answers while a domain, or its destination, is on hold: what is known stays, and nothing is learned.
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

// Connects the two for what is remembered of destinations: the prober gets what the cache holds of them, now and
// whenever it has forgotten one; the cache gets the changes. Both must live as long as the other is used.
void RememberDestinations(Cache& cache, Prober& prober);

// Returns `finding` as an answer, `now`.
Verdict Known(VerdictSource source, const Finding& finding, absl::Time now);
// The answer for an address about which no server may or can be asked.
Verdict NotVerifiable(std::string why);
// The answer while a probe is in the air.
Verdict InProgress();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_MEMORY_H_
