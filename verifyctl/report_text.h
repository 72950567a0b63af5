// The decision record's reports and refusals in words, for people.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYCTL_REPORT_TEXT_H_
#define VERIFYD_VERIFYCTL_REPORT_TEXT_H_

#include <cstddef>
#include <string>

#include "verifyd/history/shown_refusal.h"
#include "verifyd/history/shown_report.h"

namespace verifyd {

// Shows totals first, then what is noticed, then reasons with samples of replies, domains, addresses.
std::string ReportText(const ShownReport& report);
// The part of a report for `top`: "from", "until", and the first `number` of the addresses that were "asked" and
// "refused" most.
ShownTop TopOf(ShownReport report, size_t number);
std::string TopText(const ShownTop& top);
// Whether addresses with this reason are known not to exist.
bool KnownNotToExist(const ShownReason& reason);
// Shows all of one refusal, and what to do where it was wrong.
std::string RefusalText(const ShownRefusal& refusal);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_REPORT_TEXT_H_
