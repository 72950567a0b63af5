// Converts LMDB's keys and values to and from ours.
//
// Thread: any (pure functions).
#ifndef VERIFYD_CACHE_LMDB_VALUE_H_
#define VERIFYD_CACHE_LMDB_VALUE_H_

#include <lmdb.h>

#include "absl/strings/string_view.h"

namespace verifyd {

// Valid for as long as `v` is: until the next change, or the end of the transaction.
inline absl::string_view ToView(const MDB_val& v) { return {static_cast<const char*>(v.mv_data), v.mv_size}; }

}  // namespace verifyd

#endif  // VERIFYD_CACHE_LMDB_VALUE_H_
