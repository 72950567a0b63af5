// The one word that the log, the metrics and the report have for a decision.
//
// Thread: any.
#ifndef VERIFYD_VERIFYD_HISTORY_DECISION_WORD_H_
#define VERIFYD_VERIFYD_HISTORY_DECISION_WORD_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {

// kWould*: the MTA would have been told so, but for warn_if_reject or a dry run. kNotKnown: a replay without probes met
// an address that memory does not know.
enum class DecisionWord : uint8_t { kDunno, kReject, kDefer, kWouldReject, kWouldDefer, kNotKnown };
constexpr size_t kDecisionWordCount = 6;

absl::string_view DecisionWordName(DecisionWord word);  // "dunno", "would_reject"

// Returns the refusal that was said, or would have been; null where nothing was to be refused.
const Decision* RefusalIn(const Ruling& ruling);

DecisionWord WordFor(const Ruling& ruling);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_DECISION_WORD_H_
