// Turns a ruling into what the record counts.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_HISTORY_DECISION_ENTRY_H_
#define VERIFYD_VERIFYD_HISTORY_DECISION_ENTRY_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/cache.h"
#include "verifyd/history/tally.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {

// Returns the record's word for why it was decided so: the name of the verdict's reason, or "pin", "in_progress",
// "not_cached", "not_verifiable". A refusal that no verdict stands behind has the name of the restriction, or
// "own_probe" where there is none. The rest is "not_asked".
absl::string_view ReasonWord(const Ruling& ruling);

// Returns the address that was decided on: the sender where a restriction on senders refused, or where there is no
// recipient yet; else the recipient.
absl::string_view SubjectOf(const MailRequest& request, const Ruling& ruling);

// `cache` tells whether a refused address was accepted before, unless the verdict does. The views are those of the
// arguments.
DecisionEntry DecisionEntryFor(const MailRequest& request, const Ruling& ruling, Cache& cache, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_DECISION_ENTRY_H_
