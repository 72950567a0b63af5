#include "verifyd/record_import.h"

#include <algorithm>
#include <optional>

#include "cache/merge.h"

namespace verifyd {
namespace {

// Two machines' clocks may differ so much.
constexpr absl::Duration kClockSkew = absl::Minutes(5);

}  // namespace

Imported ImportRecord(Cache& cache, const NamedRecord& named, const Lifetimes& lifetimes, absl::Time now) {
  const Record& record = named.record;
  if (record.finding.when > now + kClockSkew) return Imported::kFuture;
  if (KeptUntil(record, lifetimes) <= now) return Imported::kExpired;
  const std::optional<Record> held = cache.FindRecord(named.key);
  if (!held.has_value()) {
    cache.PutRecord(named.key, record);
    return Imported::kTaken;
  }
  // What an export has written has whole seconds.
  const absl::Time newest =
      std::max(held->finding.when, held->pending.has_value() ? held->pending->when : absl::InfinitePast());
  if (record.finding.when <= newest) return Imported::kOlder;
  Record merged = Merge(held, record.finding, lifetimes);
  merged.first_seen = std::min(held->first_seen, record.first_seen);
  merged.last_positive = std::max(merged.last_positive, record.last_positive);
  cache.PutRecord(named.key, merged);
  return Imported::kTaken;
}

}  // namespace verifyd
