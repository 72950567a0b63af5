#include "probe/unknown_shares.h"

#include "absl/hash/hash.h"

namespace verifyd {
namespace {

// An asker's own part of the number.
constexpr uint64_t kOneOf = 4;

uint64_t AskerKey(absl::string_view domain, uint64_t asker) { return absl::HashOf(domain, asker); }

}  // namespace

void UnknownShares::NoteIn(Table& table, uint64_t key, uint64_t destination, bool unknown, MonoTime now) {
  // Shares that are past go first, then those with few unknown users.
  const auto worth = [now](const Entry& entry) { return entry.share.past(now) ? 0 : 1 + entry.share.unknown(); };
  Entry& entry = table.FindOrAdd(key, {}, worth);
  entry.destination = destination;
  entry.share.Note(unknown, now);
}

const UnknownShare* UnknownShares::FindIn(const Table& table, uint64_t key) {
  const Entry* const entry = table.Find(key);
  return entry == nullptr ? nullptr : &entry->share;
}

void UnknownShares::Note(absl::string_view destination, absl::string_view domain, uint64_t asker, bool unknown,
                         MonoTime now) {
  const uint64_t at = absl::HashOf(destination);
  NoteIn(domains_, absl::HashOf(domain), at, unknown, now);
  NoteIn(askers_, AskerKey(domain, asker), at, unknown, now);
}

const UnknownShare* UnknownShares::OverBudget(absl::string_view domain, uint64_t asker, const UnknownBudget& budget,
                                              MonoTime now) const {
  if (budget.number == 0) return nullptr;
  const UnknownShare* const own = FindIn(askers_, AskerKey(domain, asker));
  if (own == nullptr || !own->Reaches(1, budget.percent, now)) return nullptr;
  if (own->Reaches(asker == 0 ? budget.number : budget.number / kOneOf, budget.percent, now)) return own;
  if (asker == 0) return nullptr;
  const UnknownShare* const all = FindIn(domains_, absl::HashOf(domain));
  return all != nullptr && all->Reaches(budget.number, budget.percent, now) ? all : nullptr;
}

void UnknownShares::ForgetDestination(absl::string_view destination) {
  const auto there = [at = absl::HashOf(destination)](const Entry& entry) { return entry.destination == at; };
  domains_.EraseIf(there);
  askers_.EraseIf(there);
}

}  // namespace verifyd
