// The policy door: Postfix's policy delegation protocol (SMTPD_POLICY_README).
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_POLICY_H_
#define VERIFYD_VERIFYD_DOOR_POLICY_H_

#include <cstddef>
#include <memory>

#include "verifyd/door/mail_protocol.h"

namespace verifyd {

class PolicyProtocol : public MailProtocol {
 public:
  using MailProtocol::MailProtocol;

  absl::string_view name() const override { return "policy"; }
  size_t request_limit() const override;
  absl::StatusOr<size_t> RequestLength(absl::string_view buffer) const override;
  std::unique_ptr<Conversation> Begin(DoorClient& client) override;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_POLICY_H_
