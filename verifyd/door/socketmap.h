// The socketmap door: table look-ups by Sendmail's protocol, as Postfix (socketmap_table(5)) and Sendmail (K...socket)
// speak it. A netstring "MAP KEY" comes in, a netstring "OK value", "NOTFOUND ", "TEMP why" or "PERM why" goes out. The
// maps are described in verifyd(8), "Lookups".
//
// TEMP is for faults of our own only (internal_error_action = defer): Postfix turns it into "451 4.3.5 Server
// configuration error". PERM says that there is no such map.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_SOCKETMAP_H_
#define VERIFYD_VERIFYD_DOOR_SOCKETMAP_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "verifyd/door/mail_protocol.h"

namespace verifyd {

enum class SocketmapName : uint8_t { kVerify, kStatus, kRelayRecipients };

struct SocketmapRequest {
  SocketmapName map = SocketmapName::kVerify;
  absl::string_view key;
};

// Parses the text in a request's netstring. The error says what was found and expected; it is printable. The view
// points into `text`.
absl::StatusOr<SocketmapRequest> ParseSocketmapRequest(absl::string_view text);

class SocketmapProtocol : public MailProtocol {
 public:
  using MailProtocol::MailProtocol;

  absl::string_view name() const override { return "socketmap"; }
  // No MTA has longer addresses.
  size_t request_limit() const override { return 4096; }
  absl::StatusOr<size_t> RequestLength(absl::string_view buffer) const override;
  std::unique_ptr<Conversation> Begin(DoorClient& client) override;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_SOCKETMAP_H_
