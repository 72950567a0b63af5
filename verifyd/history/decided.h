// What a ruling is counted as.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_HISTORY_DECIDED_H_
#define VERIFYD_VERIFYD_HISTORY_DECIDED_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/cache.h"
#include "verifyd/history/tally.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/restriction.h"

namespace verifyd {

// The word that the record has for why it was decided so: the name of the verdict's reason, or "pin", "in_progress",
// "not_cached", "not_verifiable"; the name of the restriction for a refusal that no verdict stands behind, "own_probe"
// where there is none either, "not_asked" for the rest.
absl::string_view ReasonWord(const Ruling& ruling);

// Whose address was decided on: the sender's where a restriction on senders refused, or where there is no recipient
// yet.
absl::string_view SubjectOf(const MailRequest& request, const Ruling& ruling);

// What is refused is looked up in `cache`: whether it was accepted before. The views are those of the arguments.
Decided DecidedOn(const MailRequest& request, const Ruling& ruling, Cache& cache, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_DECIDED_H_
