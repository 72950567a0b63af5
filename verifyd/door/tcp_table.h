// The tcp_table door: Postfix's own table protocol (tcp_table(5)). "get KEY" comes in, "200 VALUE", "500 not found" or
// "400 WHY" goes out, a line each. Unprintable bytes, spaces and % are written as %XX. The value is an action of
// access(5), as in the map `verify` of the socketmap door. 400 is for faults of our own only (internal_error_action =
// defer).
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_TCP_TABLE_H_
#define VERIFYD_VERIFYD_DOOR_TCP_TABLE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "verifyd/door/mail_protocol.h"

namespace verifyd {

// Returns the key of one whole request, its line end included (LF or CRLF), decoded: any bytes. Errors: not a get, a %
// without two digits behind it; they say what was found, and are printable.
absl::StatusOr<std::string> ParseTcpTableRequest(absl::string_view line);

// Encodes `text` for an answer.
std::string EncodeTcpTableText(absl::string_view text);

class TcpTableProtocol : public MailProtocol {
 public:
  using MailProtocol::MailProtocol;

  absl::string_view name() const override { return "tcp_table"; }
  // DICT_TCP_MAXLEN of Postfix. No answer is as long: the longest text takes 3 * 250 bytes.
  size_t request_limit() const override { return 4096; }
  absl::StatusOr<size_t> RequestLength(absl::string_view buffer) const override { return buffer.find('\n') + 1; }
  std::unique_ptr<Conversation> Begin(DoorClient& client) override;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_TCP_TABLE_H_
