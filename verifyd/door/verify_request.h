// Requests and answers of Postfix's verify(8) on the wire (attr_print0.c, attr_scan0.c, verify_clnt.c): lists of
// attributes, "name NUL value NUL" each, a lone NUL at the end. Numbers are unsigned decimals, -2 is 4294967294.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_DOOR_VERIFY_REQUEST_H_
#define VERIFYD_VERIFYD_DOOR_VERIFY_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "classifier/stock_report.h"

namespace verifyd {

// Postfix bounds addresses by its line limit of 2048 bytes, and what it reports of a server by twice that.
constexpr size_t kMaxVerifyRequest = 32768;

// The status of a request (verify_clnt.h).
enum class VerifyStatus : uint8_t {
  kOk,
  kFail,  // -1: something has failed
  kBad,   // -2: the request was not understood
};

struct VerifyRequest {
  enum class Kind : uint8_t { kQuery, kUpdate };
  Kind kind = Kind::kQuery;
  absl::string_view address;  // unquoted, without brackets
  // In an update: the findings of an agent of Postfix.
  RecipientStatus recipient_status = RecipientStatus::kDefer;
  absl::string_view reason;
};

// The server's greeting (Postfix 3.6 and later). The doubled r is Postfix's; it takes no other.
constexpr absl::string_view kVerifyGreeting{"protocol\0address_verification_prrotocol\0\0", 41};

// Returns the length of the first whole list in `buffer`, its last NUL included; 0 when it is not whole yet.
size_t VerifyRequestLength(absl::string_view buffer);

// Parses one whole list. Attributes come in any order; unknown names are ignored, the last of a name counts. Errors: a
// `request` other than query and update, a missing attribute, a status that no update has; they name what was found.
// The views point into `text`.
absl::StatusOr<VerifyRequest> ParseVerifyRequest(absl::string_view text);

// Returns the answer to a query. A client that sent an update reads only the status of it; the rest does no harm.
// `reason` must be printable.
std::string VerifyAnswer(VerifyStatus status, RecipientStatus recipient_status, absl::string_view reason);
std::string VerifyUpdateAnswer(VerifyStatus status);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_VERIFY_REQUEST_H_
