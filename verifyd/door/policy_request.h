// The request of the policy protocol (SMTPD_POLICY_README): name=value lines, ended by an empty line.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_DOOR_POLICY_REQUEST_H_
#define VERIFYD_VERIFYD_DOOR_POLICY_REQUEST_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {

// Postfix bounds its values by its own line limits; a longer request is not Postfix's.
constexpr size_t kMaxPolicyRequest = 32768;

// Returns the length of the first whole request in `buffer`, its empty line included; 0 when it is not whole yet. Lines
// may end in CRLF.
size_t PolicyRequestLength(absl::string_view buffer);

// Parses one whole request. Attributes come in any order; unknown names are ignored. Errors name the line: it has no
// '=', or a NUL, or a `request` other than smtpd_access_policy. A missing `request` is an error, too. The views point
// into `text`.
absl::StatusOr<MailRequest> ParsePolicyRequest(absl::string_view text);

// Returns the answer, "action=...\n\n": see AccessAction.
std::string PolicyAnswer(const Ruling& ruling);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_POLICY_REQUEST_H_
