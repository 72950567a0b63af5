// The memory: what is held of an address, and what that answers. It asks nobody and starts nothing; the verifier
// (verifier.h) does, where memory has no answer, or an old one.
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
#include "mail/finding.h"
#include "mail/question.h"
#include "mail/verdict.h"
#include "probe/prober.h"
#include "tables/domain_list.h"

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
  // What is held of an address that could answer, in the order in which it counts.
  struct Held {
    std::optional<Pin> pin;
    std::optional<Pin> hold;
    std::optional<Record> record;  // also one that has expired
    Freshness record_freshness = Freshness::kExpired;

    bool live() const { return record.has_value() && record_freshness != Freshness::kExpired; }
  };

  // Both outlive the memory.
  Memory(const Clock& clock, Cache& cache) : clock_(clock), cache_(cache) {}

  // Before the first question, and after a reload.
  void Configure(std::shared_ptr<const MemorySettings> settings) { settings_ = std::move(settings); }

  // What is held now, read at one time. Where there is a pin nothing else is read.
  Held Find(const Address& address) const;

  // The whole answer to a question that must not lead to a probe (Question::memory_only); state kNotCached: there is
  // none. That somebody has asked is noted (Cache::NoteAsked).
  Verdict Recall(const Question& question) const;

  // The answer that does not depend on what was found out: a pin, a domain that is not verified, a hold, what can be no
  // address. Nothing: there is none of these.
  std::optional<Verdict> Overruling(const Question& question, const Held& held) const;
  // What was found out, of the address or else of its domain, fresh or not.
  std::optional<Verdict> FoundOut(const Address& address, const Held& held) const;

  Verdict FromPin(const Pin& pin) const;
  Verdict FromRecord(const Record& record) const;
  // What is known of the whole domain.
  std::optional<Verdict> FromDomain(const std::string& domain) const;
  // While a domain, or where it is asked, is on hold: what is known stays, and nothing is learned.
  Verdict OnHold(const Address& address, const Held& held) const;

 private:
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

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_MEMORY_H_
