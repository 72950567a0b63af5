#include "cache/eviction.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/hash/hash.h"
#include "base/status_macros.h"
#include "cache/record.h"

namespace verifyd {
namespace {

// Entries that are looked at for each that must go, and for one group: at about a microsecond each.
constexpr size_t kLooks = 32;
constexpr size_t kMostLooks = 30000;
// The most entries that go with one group, beyond as many as it brings: a lowered bound is reached in steps.
constexpr size_t kSteps = 1000;
constexpr size_t kPage = 256;
// At least one in ten of all records may be a negative.
constexpr uint64_t kNegativeShare = 10;

bool Positive(const Record& record) { return record.last_positive != absl::InfinitePast(); }

// A record that was never positive expires before this.
absl::Time Horizon(const Lifetimes& lifetimes, absl::Time now) {
  return now + std::max({lifetimes.negative_expire, lifetimes.negative_short_expire, lifetimes.domain_short,
                         lifetimes.domain_positive, lifetimes.domain_negative_max, lifetimes.temporary_expire,
                         2 * lifetimes.max_defer});
}

// Returns how many records are too many.
absl::StatusOr<size_t> Excess(Store::Changes& changes, const Bounds& bounds, size_t most) {
  ASSIGN_OR_RETURN(const uint64_t records, changes.Entries(StoreTable::kRecords));
  uint64_t excess = bounds.entries > 0 && records > bounds.entries ? records - bounds.entries : 0;
  if (bounds.bytes > 0 && records > 0) {
    ASSIGN_OR_RETURN(const uint64_t used, changes.UsedBytes());
    const uint64_t each = std::max<uint64_t>(used / records, 1);
    if (used > bounds.bytes) excess = std::max(excess, (used - bounds.bytes) / each + 1);
  }
  return static_cast<size_t>(std::min<uint64_t>(excess, most));
}

size_t Place(absl::string_view key, size_t bits) { return absl::HashOf(key) % bits; }

}  // namespace

void Asked::Note(absl::string_view key) {
  const size_t bit = Place(key, kBits);
  std::atomic<uint64_t>& word = words_[bit / 64];
  const uint64_t mask = uint64_t{1} << bit % 64;
  if ((word.load(std::memory_order_relaxed) & mask) == 0) word.fetch_or(mask, std::memory_order_relaxed);
}

bool Asked::Has(absl::string_view key) const {
  const size_t bit = Place(key, kBits);
  return (words_[bit / 64].load(std::memory_order_relaxed) >> bit % 64 & 1) != 0;
}

void Asked::Forget(absl::string_view key) {
  const size_t bit = Place(key, kBits);
  words_[bit / 64].fetch_and(~(uint64_t{1} << bit % 64), std::memory_order_relaxed);
}

struct Eviction::Walk {
  Store::Changes& changes;
  const Lifetimes& lifetimes;
  absl::Time now;
  size_t left = 0;  // still to remove
  size_t gone = 0;

  absl::Status Evict(absl::string_view key) {
    RETURN_IF_ERROR(changes.Delete(StoreTable::kRecords, key, lifetimes));
    left -= left > 0 ? 1 : 0;
    ++gone;
    return absl::OkStatus();
  }
};

absl::StatusOr<bool> Eviction::Go(Walk& walk, std::string& hand, absl::Time until, size_t most,
                                  absl::FunctionRef<Turn(absl::string_view key, const Record&)> judge) {
  bool around = false;
  size_t budget = std::min(kLooks * most, kMostLooks);
  while (most > 0 && budget > 0) {
    ASSIGN_OR_RETURN(const std::vector<Due> dues,
                     walk.changes.DuesAfter(DueKind::kRecordExpiry, hand, until, std::min(budget, kPage)));
    if (dues.empty()) {
      if (around) break;
      around = true;
      hand.clear();
      continue;
    }
    budget -= dues.size();
    for (const Due& due : dues) {
      if (most == 0) break;
      hand = due.Encode();
      ASSIGN_OR_RETURN(const std::optional<absl::string_view> value, walk.changes.Find(StoreTable::kRecords, due.key));
      absl::StatusOr<Record> record = absl::NotFoundError("");
      if (value.has_value()) record = DecodeRecord(*value);
      if (record.ok() && KeptUntil(*record, walk.lifetimes) >= walk.now && judge(due.key, *record) == Turn::kStays) {
        continue;
      }
      // The value is gone or damaged, so only this entry of the index is known.
      RETURN_IF_ERROR(walk.changes.DeleteDue(due));
      if (!value.has_value()) continue;
      RETURN_IF_ERROR(walk.Evict(due.key));
      --most;
    }
  }
  return around;
}

absl::Status Eviction::EvictNegatives(Walk& walk, size_t most) {
  const size_t before = walk.gone;
  // They were asked about again, and go only where nothing else can.
  std::vector<std::string> asked_again;
  ASSIGN_OR_RETURN(const bool around, Go(walk, hand_, Horizon(walk.lifetimes, walk.now), most,
                                         [&](absl::string_view key, const Record& record) {
                                           if (Positive(record)) return Turn::kStays;
                                           if (record.history.size() < 2 && !asked_.Has(key)) return Turn::kGoes;
                                           ++negatives_seen_;
                                           if (asked_again.size() < most) asked_again.emplace_back(key);
                                           return Turn::kStays;
                                         }));
  for (const std::string& key : asked_again) {
    if (walk.gone - before >= most) break;
    if (asked_.Has(key)) {
      asked_.Forget(key);
    } else {
      RETURN_IF_ERROR(walk.Evict(key));
    }
  }
  negatives_ -= std::min<uint64_t>(negatives_, walk.gone - before);
  if (around) negatives_ = std::exchange(negatives_seen_, 0);
  return absl::OkStatus();
}

absl::Status Eviction::EvictPositives(Walk& walk, size_t most) {
  return Go(walk, hand_of_positives_, absl::InfiniteFuture(), most,
            [&](absl::string_view key, const Record& record) {
              if (!Positive(record)) return Turn::kStays;
              if (!asked_.Has(key)) return Turn::kGoes;
              asked_.Forget(key);
              return Turn::kStays;
            })
      .status();
}

absl::StatusOr<size_t> Eviction::Run(Store::Changes& changes, const Bounds& bounds, const Group& group,
                                     const Lifetimes& lifetimes, absl::Time now) {
  Walk walk{.changes = changes, .lifetimes = lifetimes, .now = now};
  if (bounds.entries > 0) {
    ASSIGN_OR_RETURN(const uint64_t domains, changes.Entries(StoreTable::kDomains));
    const size_t excess = domains > bounds.entries ? std::min<size_t>(domains - bounds.entries, kMostLooks) : 0;
    ASSIGN_OR_RETURN(const std::vector<Due> first,
                     changes.DueBefore(DueKind::kDomainExpiry, absl::InfiniteFuture(), excess));
    for (const Due& due : first) {
      RETURN_IF_ERROR(changes.DeleteDue(due));
      RETURN_IF_ERROR(changes.Delete(StoreTable::kDomains, due.key, lifetimes));
      ++walk.gone;
    }
  }
  ASSIGN_OR_RETURN(walk.left, Excess(changes, bounds, group.keys.size() + kSteps));
  if (walk.left == 0) return walk.gone;

  ASSIGN_OR_RETURN(const uint64_t records, changes.Entries(StoreTable::kRecords));
  const size_t negatives = group.keys.size() - group.positives;
  negatives_ += negatives;
  // The excess without the group was there before it came.
  const size_t older = walk.left > group.keys.size() ? walk.left - group.keys.size() : 0;
  if (negatives_ > records / kNegativeShare) {
    RETURN_IF_ERROR(EvictNegatives(walk, walk.left));
    RETURN_IF_ERROR(EvictPositives(walk, std::min(walk.left, group.positives + older)));
  } else {
    RETURN_IF_ERROR(EvictPositives(walk, std::min(walk.left, group.positives + older)));
    RETURN_IF_ERROR(EvictNegatives(walk, walk.left));
  }
  for (auto key = group.keys.rbegin(); key != group.keys.rend() && walk.left > 0; ++key) {
    ASSIGN_OR_RETURN(const std::optional<absl::string_view> value, changes.Find(StoreTable::kRecords, *key));
    if (!value.has_value()) continue;
    const absl::StatusOr<Record> record = DecodeRecord(*value);
    if (record.ok() && !Positive(*record)) RETURN_IF_ERROR(walk.Evict(*key));
  }
  return walk.gone;
}

}  // namespace verifyd
