// Eviction: keeps the store within its bounds, by forgetting early what is needed least. A dictionary attack makes
// negatives without end, each of an address that nobody will ask about again; they must not push out valuable entries.
// Entries go in this order:
//
//  1. expired ones;
//  2. records that were never positive ("negatives" here) and that nobody has asked about since they were made; the
//  first to expire goes first;
//  3. negatives that were asked about again, at their second turn (the clock algorithm);
//  4. records that are or were positive, to make room for positive ones only, at their second turn. Where a group of
//  changes brings negatives that there is no room for, those are not kept.
//
// So a negative never pushes out a positive. The other way round, positives take the place of negatives until those
// have a tenth of the store; from then on each makes room for its own kind. The negatives are counted while their turns
// go round. Facts of domains have a bound of their own; the first to expire goes first.
//
// Thread: the writer's; Asked::Note: any.
#ifndef VERIFYD_CACHE_EVICTION_H_
#define VERIFYD_CACHE_EVICTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/bounds.h"
#include "cache/lifetime.h"
#include "cache/store.h"

namespace verifyd {

// The records that were asked about since they were made or last spared: a bit for each key's hash, so a few other
// records count as asked, too.
class Asked {
 public:
  void Note(absl::string_view key);
  bool Has(absl::string_view key) const;
  void Forget(absl::string_view key);

 private:
  static constexpr size_t kBits = size_t{1} << 23;
  std::vector<std::atomic<uint64_t>> words_ = std::vector<std::atomic<uint64_t>>(kBits / 64);
};

class Eviction {
 public:
  // The records that a transaction brings.
  struct Group {
    std::vector<absl::string_view> keys;  // newest last
    size_t positives = 0;                 // among them
  };

  explicit Eviction(Asked& asked) : asked_(asked) {}

  // Runs within the transaction that brings the group and returns how many entries went. After an error, or where the
  // transaction is repeated, it begins anew.
  absl::StatusOr<size_t> Run(Store::Changes& changes, const Bounds& bounds, const Group& group,
                             const Lifetimes& lifetimes, absl::Time now);

 private:
  // The judgement on an entry.
  enum class Turn : uint8_t { kStays, kGoes };
  struct Walk;
  absl::Status EvictNegatives(Walk& walk, size_t most);
  absl::Status EvictPositives(Walk& walk, size_t most);
  // Goes on from `hand`, once around at most, until `most` entries went or `budget` were looked at. Entries due after
  // `until` are not looked at. True if it came around.
  absl::StatusOr<bool> Go(Walk& walk, std::string& hand, absl::Time until, size_t most,
                          absl::FunctionRef<Turn(absl::string_view key, const Record&)> judge);

  Asked& asked_;
  // The number of negatives; until a turn has gone round, as many as there can be.
  uint64_t negatives_ = UINT64_MAX / 2;
  uint64_t negatives_seen_ = 0;  // in this turn
  // Where the turn goes on: a key of the due index.
  std::string hand_;
  std::string hand_of_positives_;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_EVICTION_H_
