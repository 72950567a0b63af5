// The filter protocol of OpenSMTPD (smtpd-filters(7)), as far as a filter that looks at recipients needs it: lines of
// fields with '|' in between. Its lines are trusted no more than its clients are, because clients choose the addresses.
//
// Thread: any (pure functions).
#ifndef VERIFYD_OPENSMTPD_FILTER_PROTOCOL_H_
#define VERIFYD_OPENSMTPD_FILTER_PROTOCOL_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace verifyd {

// OpenSMTPD ends its greeting with the first; then the filter registers with the second.
constexpr absl::string_view kConfigReady = "config|ready";
constexpr absl::string_view kRegistration = "register|filter|smtp-in|rcpt-to\nregister|ready\n";

// "filter|0.6|1576146008.006099|smtp-in|rcpt-to|SESSION|TOKEN|ADDRESS"
struct FilterQuestion {
  // Both as they came; they go back with the answer.
  std::string session;
  std::string token;
  // Versions before 0.5 take the token before the session in an answer.
  bool token_first = false;
  // Without brackets, in one line; empty where the question is about anything else.
  std::string recipient;
};

// Nothing where the line needs no answer.
std::optional<FilterQuestion> ParseFilterQuestion(absl::string_view line);

// Returns the line for OpenSMTPD, its line end included: "filter-result|SESSION|TOKEN|proceed", or "...|reject|550
// 5.1.1 text" where `answer` is "deny 550 5.1.1 text" or "defer 450 4.1.1 text" of the line door. On any other `answer`
// the mail proceeds.
std::string FilterResult(const FilterQuestion& question, absl::string_view answer);

}  // namespace verifyd

#endif  // VERIFYD_OPENSMTPD_FILTER_PROTOCOL_H_
