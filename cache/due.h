// The due index: a list of due times, over all tables. Its keys are ordered by kind, then time, so that the cleaner and
// the planner of probes each walk their own entries and stop at the first that is not due. A value does not store its
// entries; they are computed from it, here and nowhere else.
//
// Thread: any (pure functions).
#ifndef VERIFYD_CACHE_DUE_H_
#define VERIFYD_CACHE_DUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/lifetime.h"

namespace verifyd {

// The tables of the store.
enum class StoreTable : uint8_t { kRecords = 0, kDomains = 1, kDestinations = 2, kPins = 3, kBreakers = 4 };
constexpr size_t kTables = 5;

// The kinds of due entries. The letters are on disk.
enum class DueKind : char {
  kProbe = 'p',  // Record::next_probe of a record on the agenda
  kRecordExpiry = 'r',
  kDomainExpiry = 'd',
  kDestinationExpiry = 't',
  kBreakerExpiry = 'b',
};

struct Due {
  static constexpr size_t kOverhead = 9;  // bytes in front of the key

  DueKind kind = DueKind::kRecordExpiry;
  absl::Time when;
  std::string key;  // of the record, domain, destination or breaker

  // One byte of kind, eight bytes of time (big-endian nanoseconds of Unix time, sign bit flipped: ordered), the key. A
  // time that does not fit into 64 bits (after the year 2262) becomes the last one that does.
  std::string Encode() const;
  // Nothing if `bytes` is not an entry.
  static std::optional<Due> Decode(absl::string_view bytes);
  friend bool operator==(const Due&, const Due&) = default;
};

// Returns the entries that belong to a value. None for a damaged value, and none for a value that is never due.
std::vector<Due> DuesOf(StoreTable table, absl::string_view key, absl::string_view value, const Lifetimes& lifetimes);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_DUE_H_
