// Records from elsewhere, taken in: another cache of ours, or what Postfix's verify(8) has found out. What is held
// already is never overwritten by what is older, and one imported refusal overturns a live positive no more than one
// probe does. So an import may be done twice, or be taken up again from its beginning, and changes nothing more.
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

// What becomes of a record.
enum class Imported : uint8_t {
  kTaken,
  kOlder,    // what is held is newer, or the same
  kExpired,  // the cleaner would remove it
  kFuture,   // from a clock that is wrong: it would live for ever
};

// What would become of `record` where `held` is what there is already.
Imported WeighRecord(const Record& record, const std::optional<Record>& held, const Lifetimes& lifetimes,
                     absl::Time now);
// What becomes of both, where it is taken.
Record JoinedRecord(const std::optional<Record>& held, const Record& record, const Lifetimes& lifetimes,
                    const SkippedTime& skipped = {});
// Weighs it against what the cache holds, and has it kept there where it is taken.
Imported ImportRecord(Cache& cache, const NamedRecord& named, const Lifetimes& lifetimes, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_RECORD_IMPORT_H_
