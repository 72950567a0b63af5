// The line door: one question a line, for ${readsocket} of Exim, for shell scripts, and for
// verifyd-opensmtpd-filter(8).
//   rcpt user@example.com      as recipient_restrictions decide
//   sender user@example.com    as sender_restrictions decide
// The answer is one line:
//   accept                     the address is known to be there
//   deny 550 5.1.1 text        refuse with this
//   defer 450 4.1.1 text       likewise; both are ASCII
//   unknown [text]             nothing against it is known, or nothing at all; or, as the text says, it would have been
//                              refused, but for a dry run or warn_if_reject
// A client that does not know an answer goes on with the mail. Many questions may come on a connection, which the
// client closes; ${readsocket} does so by closing its half.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_LINE_H_
#define VERIFYD_VERIFYD_DOOR_LINE_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mail/question.h"
#include "verifyd/door/mail_protocol.h"

namespace verifyd {

struct LineRequest {
  Role role = Role::kRecipient;
  absl::string_view address;  // empty: the null sender
};

// Parses one whole request, its line end included (LF or CRLF). The error says what was found; it is printable. The
// view points into `line`.
absl::StatusOr<LineRequest> ParseLineRequest(absl::string_view line);

class LineProtocol : public MailProtocol {
 public:
  using MailProtocol::MailProtocol;

  absl::string_view name() const override { return "line"; }
  // No MTA has longer addresses.
  size_t request_limit() const override { return 4096; }
  absl::StatusOr<size_t> RequestLength(absl::string_view buffer) const override { return buffer.find('\n') + 1; }
  std::unique_ptr<Conversation> Begin(DoorClient& client) override;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_LINE_H_
