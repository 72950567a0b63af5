#include "verifyd/verifier/record_import.h"

#include <algorithm>
#include <optional>

#include "cache/merge.h"

namespace verifyd {
namespace {

// Two machines' clocks may differ so much.
constexpr absl::Duration kClockSkew = absl::Minutes(5);

}  // namespace

Imported WeighRecord(const Record& record, const std::optional<Record>& held, const Lifetimes& lifetimes,
                     absl::Time now) {
  if (record.finding.when > now + kClockSkew) return Imported::kFuture;
  if (KeptUntil(record, lifetimes) <= now) return Imported::kExpired;
  if (!held.has_value()) return Imported::kTaken;
  // What an export has written has whole seconds.
  const absl::Time newest =
      std::max(held->finding.when, held->pending.has_value() ? held->pending->when : absl::InfinitePast());
  return record.finding.when <= newest ? Imported::kOlder : Imported::kTaken;
}

Record JoinedRecord(const std::optional<Record>& held, const Record& record, const Lifetimes& lifetimes,
                    const SkippedTime& skipped) {
  if (!held.has_value()) return record;
  Record joined = Merge(held, record.finding, lifetimes, skipped);
  joined.first_seen = std::min(held->first_seen, record.first_seen);
  joined.last_positive = std::max(joined.last_positive, record.last_positive);
  return joined;
}

Imported ImportRecord(Cache& cache, const NamedRecord& named, const Lifetimes& lifetimes, absl::Time now) {
  const std::optional<Record> held = cache.FindRecord(named.key);
  const Imported becomes = WeighRecord(named.record, held, lifetimes, now);
  if (becomes == Imported::kTaken) cache.PutRecord(named.key, JoinedRecord(held, named.record, lifetimes));
  return becomes;
}

}  // namespace verifyd
