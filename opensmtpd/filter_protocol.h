// The filter protocol of OpenSMTPD (smtpd-filters(7)), as far as a filter needs it that looks at recipients: lines of
// fields with '|' in between. What OpenSMTPD says is trusted no more than its clients are: addresses are theirs.
//
// Thread: any (pure functions).
#ifndef VERIFYD_OPENSMTPD_FILTER_PROTOCOL_H_
#define VERIFYD_OPENSMTPD_FILTER_PROTOCOL_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace verifyd {

// What OpenSMTPD ends its greeting with; then it is told what the filter wants to see.
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

// What OpenSMTPD is told, its line end included: "filter-result|SESSION|TOKEN|proceed", or "...|reject|550 5.1.1 text"
// where `answer` is "deny 550 5.1.1 text" or "defer 450 4.1.1 text" of the line door. Whatever else `answer` is, the
// mail goes on.
std::string FilterResult(const FilterQuestion& question, absl::string_view answer);

}  // namespace verifyd

#endif  // VERIFYD_OPENSMTPD_FILTER_PROTOCOL_H_
