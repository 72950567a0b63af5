#include "verifyd/verifier/record_import.h"

#include <algorithm>
#include <optional>

#include "cache/merge.h"

namespace verifyd {
namespace {

// Two machines' clocks may differ so much.
constexpr absl::Duration kClockSkew = absl::Minutes(5);

Imported Weigh(const Record& record, const std::optional<Record>& held, const Lifetimes& lifetimes, absl::Time now) {
  if (record.finding.when > now + kClockSkew) return Imported::kFuture;
  if (KeptUntil(record, lifetimes) <= now) return Imported::kExpired;
  if (!held.has_value()) return Imported::kTaken;
  // What an export has written has whole seconds.
  const absl::Time newest =
      std::max(held->finding.when, held->pending.has_value() ? held->pending->when : absl::InfinitePast());
  return record.finding.when <= newest ? Imported::kOlder : Imported::kTaken;
}

}  // namespace

Imported WeighRecord(Cache& cache, const NamedRecord& named, const Lifetimes& lifetimes, absl::Time now) {
  return Weigh(named.record, cache.FindRecord(named.key), lifetimes, now);
}

Imported ImportRecord(Cache& cache, const NamedRecord& named, const Lifetimes& lifetimes, absl::Time now,
                      const SkippedTime& skipped) {
  const Record& record = named.record;
  const std::optional<Record> held = cache.FindRecord(named.key);
  const Imported becomes = Weigh(record, held, lifetimes, now);
  if (becomes != Imported::kTaken) return becomes;
  if (!held.has_value()) {
    cache.PutRecord(named.key, record);
    return Imported::kTaken;
  }
  Record merged = Merge(held, record.finding, lifetimes, skipped);
  merged.first_seen = std::min(held->first_seen, record.first_seen);
  merged.last_positive = std::max(merged.last_positive, record.last_positive);
  cache.PutRecord(named.key, merged);
  return Imported::kTaken;
}

}  // namespace verifyd
