// The import of records from another cache of ours, or from that of Postfix's verify(8). An older record never
// overwrites one that is held, and one imported refusal overturns a live positive no more than one probe does. So an
// import may be repeated, or begun again, and changes nothing more.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_RECORD_IMPORT_H_
#define VERIFYD_VERIFYD_VERIFIER_RECORD_IMPORT_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/skipped_time.h"
#include "cache/cache.h"
#include "cache/lifetime.h"
#include "cache/record.h"

namespace verifyd {

// The fate of an imported record.
enum class Imported : uint8_t {
  kTaken,
  kOlder,    // the record that is held is newer, or the same
  kExpired,  // the cleaner would remove it
  kFuture,   // from a clock that is wrong: it would live for ever
};

// Says what would become of `record` where `held` is there already.
Imported WeighRecord(const Record& record, const std::optional<Record>& held, const Lifetimes& lifetimes,
                     absl::Time now);
// Joins the two where `record` is taken.
Record JoinedRecord(const std::optional<Record>& held, const Record& record, const Lifetimes& lifetimes,
                    const SkippedTime& skipped = {});
// Weighs the record against the one in the cache, and puts it there where it is taken.
Imported ImportRecord(Cache& cache, const NamedRecord& named, const Lifetimes& lifetimes, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_RECORD_IMPORT_H_
