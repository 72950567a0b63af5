// The log line of a decision, the same for every door: fixed order, comma-free, key=value (verifyd(8), DIAGNOSTICS).
//
// Thread: any.
#ifndef VERIFYD_VERIFYD_HISTORY_DECISION_LOG_H_
#define VERIFYD_VERIFYD_HISTORY_DECISION_LOG_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {

enum class DecisionsLogged : uint8_t { kAll, kRefused, kNone };

// `wait` is how long the client waited.
std::string DecisionLine(const MailRequest& request, const Ruling& ruling, absl::Duration wait);

bool DecisionIsLogged(DecisionsLogged logged, const Ruling& ruling);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_DECISION_LOG_H_
