// Judges the reports of Postfix's own delivery agents on the probes of its stock verify(8): a status by the class
// digit, and a text, which tells whom a refusal is about.
//
// Thread: any (pure functions).
#ifndef VERIFYD_CLASSIFIER_STOCK_REPORT_H_
#define VERIFYD_CLASSIFIER_STOCK_REPORT_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "classifier/classifier.h"
#include "classifier/marks.h"
#include "mail/finding.h"

namespace verifyd {

// The status of an address; the numbers are Postfix's (deliver_request.h). Postfix accepts an address whose status has
// another number.
enum class RecipientStatus : uint8_t {
  kOk = 0,
  kDefer = 1,
  kBounce = 2,
  kTodo = 3,  // not known yet; only in answers
};

// Returns the report on `marks.recipient` as a finding made at `now`. Its text is judged as a server's words at the
// stage that it names ("in reply to MAIL FROM command"). The finding's MX is "verify[update]".
Finding JudgeStockReport(const Classifier& classifier, RecipientStatus status, absl::string_view text,
                         const Marks& marks, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_CLASSIFIER_STOCK_REPORT_H_
