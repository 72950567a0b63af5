#include "cache/overlay.h"

namespace verifyd {

void Overlay::Put(uint64_t sequence, Table table, absl::string_view key, std::optional<std::string> value) {
  auto& entries = tables_[static_cast<size_t>(table)];
  const auto [it, is_new] = entries.try_emplace(std::string(key));
  if (!is_new) order_.erase(it->second.sequence);
  it->second = {.sequence = sequence, .value = std::move(value)};
  order_.emplace(sequence, std::pair(table, it->first));
  SetLimit(limit_);
}

const std::optional<std::string>* Overlay::Find(Table table, absl::string_view key) const {
  const auto& entries = tables_[static_cast<size_t>(table)];
  const auto it = entries.find(key);
  return it == entries.end() ? nullptr : &it->second.value;
}

void Overlay::ForEach(
    Table table, absl::FunctionRef<void(absl::string_view key, const std::optional<std::string>& value)> use) const {
  for (const auto& [key, entry] : tables_[static_cast<size_t>(table)]) use(key, entry.value);
}

void Overlay::Drop(uint64_t first, uint64_t last) {
  for (auto it = order_.lower_bound(first); it != order_.end() && it->first <= last;) it = Erase(it);
}

void Overlay::SetLimit(size_t limit) {
  limit_ = limit;
  while (order_.size() > limit_) Erase(order_.begin());
}

Overlay::Order::iterator Overlay::Erase(Order::iterator oldest) {
  const auto& [table, key] = oldest->second;
  tables_[static_cast<size_t>(table)].erase(key);
  return order_.erase(oldest);
}

}  // namespace verifyd
