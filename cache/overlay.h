// The overlay: entries that were put into the cache and are not known to be in the store. Reads come from it first, so
// that new knowledge is there at once. Entries go when the writer reports them committed. Entries that it never reports
// (there is no store, its queue was full, the disk is full) stay until too many of them push the oldest out.
//
// Thread: the front loop only.
#ifndef VERIFYD_CACHE_OVERLAY_H_
#define VERIFYD_CACHE_OVERLAY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "cache/due.h"

namespace verifyd {

class Overlay {
 public:
  explicit Overlay(size_t limit) : limit_(limit) {}

  // Sequences ascend. nullopt means that the entry is deleted. `queued`: the writer took it, and reports its commit.
  void Put(uint64_t sequence, StoreTable table, absl::string_view key, std::optional<std::string> value, bool queued);
  // Null if it holds nothing of the key. Valid until the next change.
  const std::optional<std::string>* Find(StoreTable table, absl::string_view key) const;
  // Visits every entry of a table, in no order.
  void ForEach(StoreTable table,
               absl::FunctionRef<void(absl::string_view key, const std::optional<std::string>& value)> use) const;
  // Drops the entries of the mutations `first` to `last` that the writer took: they are in the store.
  void Drop(uint64_t first, uint64_t last);
  void SetLimit(size_t limit);

  size_t size() const { return order_.size(); }
  // Entries that the writer took.
  size_t queued() const { return queued_; }
  size_t size(StoreTable table) const { return tables_[static_cast<size_t>(table)].size(); }

 private:
  struct Entry {
    uint64_t sequence;
    std::optional<std::string> value;
  };
  struct Place {
    StoreTable table;
    std::string key;
    bool queued;
  };
  using Order = absl::btree_map<uint64_t, Place>;

  Order::iterator Erase(Order::iterator place);
  Order::iterator Forget(Order::iterator place);

  size_t limit_;
  size_t queued_ = 0;
  std::array<absl::flat_hash_map<std::string, Entry>, kTables> tables_;
  Order order_;
};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_OVERLAY_H_
