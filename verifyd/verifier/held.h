// What memory holds of an address, read at one time (memory.h). A question has it read once and hands it on: to the
// answer, to the decision to probe, to the request. What a probe has found is learned against a second reading, as much
// may have happened since; the learner (learner.h) makes of that what is held from then on.
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

// In the order in which it counts.
struct Held {
  std::optional<Pin> pin;
  std::optional<Pin> hold;       // not looked for where there is a pin
  std::optional<Record> record;  // also one that has expired
  Freshness record_freshness = Freshness::kExpired;
  std::optional<DomainFact> domain;  // likewise
  // How far it was read. What answers does not need all of it.
  bool record_read = false;
  bool domain_read = false;

  bool live() const { return record.has_value() && record_freshness != Freshness::kExpired; }
  bool is_positive() const {
    return record.has_value() && record->finding.deliverability == Deliverability::kDeliverable;
  }
  // Whether the address was accepted once, as far as it is remembered. Nothing: nobody has looked.
  std::optional<bool> accepted_before() const {
    if (!record_read) return std::nullopt;
    return record.has_value() && record->last_positive != absl::InfinitePast();
  }
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_HELD_H_
