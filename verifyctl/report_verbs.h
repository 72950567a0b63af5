// The verbs about what was decided: report, replay.
//
// Thread: main.
#ifndef VERIFYD_VERIFYCTL_REPORT_VERBS_H_
#define VERIFYD_VERIFYCTL_REPORT_VERBS_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

struct ReportOptions {
  std::string since = "24h";
  std::string mail_log;  // for replay; "-": console.in
  bool probe = false;    // in a replay, too
  size_t number = 10;    // of addresses, for top
  bool json = false;
};

// Shows what was refused or deferred, and what would have been.
int Report(const ReportOptions& options, Asker& asker, Console& console);
// Shows the addresses that were asked about most, and those that were refused most.
int Top(const ReportOptions& options, Asker& asker, Console& console);
// Gives the same report of the recipients in a Postfix mail log, of any length; nobody is answered.
int ReplayLog(const ReportOptions& options, Asker& asker, Console& console);
// Explains the id of a refusal.
int ShowRefusal(absl::string_view id, bool json, Asker& asker, Console& console);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_REPORT_VERBS_H_
