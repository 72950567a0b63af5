// A forgetful table: it remembers something of keys that strangers choose, up to a fixed number of keys. When a key
// comes to a full table, the table looks at a few entries and drops the one that is worth least. A stranger who fills
// the table with keys seen once therefore pushes out other keys seen once, not entries that matter. The search goes on
// from where it stopped, so it finds every worthless entry sooner or later.
//
// Everything but EraseIf takes constant time. References hold until the next FindOrAdd or Erase.
//
// Thread: one (the owner's).
#ifndef VERIFYD_BASE_FORGETFUL_TABLE_H_
#define VERIFYD_BASE_FORGETFUL_TABLE_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace verifyd {

template <typename Key, typename Value>
class ForgetfulTable {
 public:
  explicit ForgetfulTable(size_t most) : most_(std::max<size_t>(most, 1)) {}

  // Null: `key` is not remembered.
  template <typename Lookup>
  const Value* Find(const Lookup& key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &entries_[found->second].second;
  }

  template <typename Lookup>
  Value* Find(const Lookup& key) {
    return const_cast<Value*>(std::as_const(*this).Find(key));
  }

  // Returns what is remembered of `key`; else remembers and returns `value`. `worth(value)` says what an entry is
  // worth, as anything that can be compared.
  template <typename Worth>
  Value& FindOrAdd(const Key& key, Value value, const Worth& worth) {
    if (const auto found = places_.find(key); found != places_.end()) return entries_[found->second].second;
    if (entries_.size() < most_) {
      places_.emplace(key, entries_.size());
      return entries_.emplace_back(key, std::move(value)).second;
    }
    const size_t place = LeastOfAFew(worth);
    places_.erase(entries_[place].first);
    places_.emplace(key, place);
    entries_[place] = {key, std::move(value)};
    return entries_[place].second;
  }

  template <typename Lookup>
  void Erase(const Lookup& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    const size_t place = found->second;
    places_.erase(found);
    if (place + 1 < entries_.size()) {
      entries_[place] = std::move(entries_.back());
      places_[entries_[place].first] = place;
    }
    entries_.pop_back();
  }

  // Forgets all entries of which `which(value)` is true. It looks at every entry.
  template <typename Which>
  void EraseIf(const Which& which) {
    std::erase_if(entries_, [&](const auto& entry) { return which(entry.second); });
    places_.clear();
    for (size_t place = 0; place < entries_.size(); ++place) places_.emplace(entries_[place].first, place);
  }

  size_t size() const { return entries_.size(); }

 private:
  static constexpr size_t kFew = 8;

  template <typename Worth>
  size_t LeastOfAFew(const Worth& worth) {
    size_t least = Step();
    for (size_t i = 1; i < kFew; ++i) {
      const size_t place = Step();
      if (worth(entries_[place].second) < worth(entries_[least].second)) least = place;
    }
    return least;
  }
  size_t Step() {
    if (hand_ >= entries_.size()) hand_ = 0;
    return hand_++;
  }

  const size_t most_;
  size_t hand_ = 0;
  std::vector<std::pair<Key, Value>> entries_;
  absl::flat_hash_map<Key, size_t> places_;  // in `entries_`
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_FORGETFUL_TABLE_H_
