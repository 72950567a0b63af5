// A line of a Postfix mail log, as syslog(3), rsyslogd, journalctl or postlogd(8) writes it:
//
//   Nov 25 20:00:01 gw postfix/smtp[1]: 4bX: to=<bob@b.example>, ...
//   2026-11-25T20:00:01.123456+01:00 gw postfix-out/smtp[1]: 4bX: ...
//
// Other programs write strangers' words into the same log. So a line is Postfix's only where its head, read from the
// left, says so.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYCTL_LOG_LINE_H_
#define VERIFYD_VERIFYCTL_LOG_LINE_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace verifyd {

// The parts point into the line.
struct LogLine {
  absl::string_view time;      // "Nov 25 20:00:01"
  absl::string_view program;   // "smtp"; the part in front of it is syslog_name
  absl::string_view queue_id;  // "4bX", or "NOQUEUE"
  absl::string_view text;      // the text behind it
};

// True for a line of a program that is named as Postfix's are, "postfix/smtpd[123]: ".
bool IsPostfixLine(absl::string_view line);

std::optional<LogLine> ParseLogLine(absl::string_view line);

// Returns the time. One without a year is the last of that name in `zone`, seen from `now`; clocks of two machines may
// differ by a day.
std::optional<absl::Time> ParseLogTime(absl::string_view time, absl::TimeZone zone, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_LOG_LINE_H_
