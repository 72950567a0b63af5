#include "cache/overlay.h"

#include <iterator>
#include <utility>

namespace verifyd {

void Overlay::Put(uint64_t sequence, StoreTable table, absl::string_view key, std::optional<std::string> value,
                  bool queued) {
  auto& entries = tables_[static_cast<size_t>(table)];
  const auto [it, is_new] = entries.try_emplace(std::string(key));
  if (!is_new) Forget(order_.find(it->second.sequence));
  it->second = {.sequence = sequence, .value = std::move(value)};
  order_.emplace(sequence, Place{.table = table, .key = it->first, .queued = queued});
  if (queued) ++queued_;
  SetLimit(limit_);
}

const std::optional<std::string>* Overlay::Find(StoreTable table, absl::string_view key) const {
  const auto& entries = tables_[static_cast<size_t>(table)];
  const auto it = entries.find(key);
  return it == entries.end() ? nullptr : &it->second.value;
}

void Overlay::ForEach(
    StoreTable table,
    absl::FunctionRef<void(absl::string_view key, const std::optional<std::string>& value)> use) const {
  for (const auto& [key, entry] : tables_[static_cast<size_t>(table)]) use(key, entry.value);
}

void Overlay::Drop(uint64_t first, uint64_t last) {
  for (auto it = order_.lower_bound(first); it != order_.end() && it->first <= last;) {
    it = it->second.queued ? Erase(it) : std::next(it);
  }
}

void Overlay::SetLimit(size_t limit) {
  limit_ = limit;
  while (order_.size() > limit_) Erase(order_.begin());
}

Overlay::Order::iterator Overlay::Erase(Order::iterator place) {
  tables_[static_cast<size_t>(place->second.table)].erase(place->second.key);
  return Forget(place);
}

Overlay::Order::iterator Overlay::Forget(Order::iterator place) {
  if (place->second.queued) --queued_;
  return order_.erase(place);
}

}  // namespace verifyd
