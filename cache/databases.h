// The databases of the store's LMDB file (cache/FORMAT.md).
//
// Thread: any (constants).
#ifndef VERIFYD_CACHE_DATABASES_H_
#define VERIFYD_CACHE_DATABASES_H_

#include <array>
#include <cstddef>

#include "cache/due.h"

namespace verifyd {

// The tables in the order of StoreTable, then these.
constexpr size_t kDueIndex = kTables;
constexpr size_t kMeta = kTables + 1;
// Files of versions before it have all but this.
constexpr auto kAddedTable = static_cast<size_t>(StoreTable::kBreakers);
constexpr std::array<const char*, kTables + 2> kDatabaseNames = {"records",  "domains", "destinations", "pins",
                                                                 "breakers", "due",     "meta"};

}  // namespace verifyd

#endif  // VERIFYD_CACHE_DATABASES_H_
