// Held: the state of an address in memory, read at one time (memory.h). A question has it read once and hands it on to
// the answer, to the decision to probe and to the request. A finding is learned against a second reading, because much
// may have changed during the probe; the learner (learner.h) makes the new state of both.
//
// Thread: any (a value).
#ifndef VERIFYD_VERIFYD_VERIFIER_HELD_H_
#define VERIFYD_VERIFYD_VERIFIER_HELD_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "cache/lifetime.h"
#include "cache/record.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"

namespace verifyd {

// The parts stand in the order in which they count.
struct Held {
  std::optional<Pin> pin;
  std::optional<Hold> hold;      // not looked for where there is a pin
  std::optional<Record> record;  // also one that has expired
  Freshness record_freshness = Freshness::kExpired;
  std::optional<DomainFact> domain;  // also one that has expired
  uint64_t as_of = 0;                // Cache::changes() at that time
  uint64_t routes = 0;               // RouteChanges::count() at that time, where that matters
  // Which parts were read: an answer does not need all of them.
  bool record_read = false;
  bool domain_read = false;

  bool live() const { return record.has_value() && record_freshness != Freshness::kExpired; }
  bool is_positive() const {
    return record.has_value() && record->finding.deliverability == Deliverability::kDeliverable;
  }
  // Whether the address was accepted once, as far as is remembered. Nothing: the record was not read.
  std::optional<bool> accepted_before() const {
    if (!record_read) return std::nullopt;
    return record.has_value() && record->last_positive != absl::InfinitePast();
  }
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_HELD_H_
