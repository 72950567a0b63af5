// The verify door: Postfix's own protocol of verify(8) (address_verify_service_name), whose place it takes. Postfix
// chooses whom it asks about, has codes and words of its own for refusals, and polls as it is told. Here a question is
// held until its probe has ended, or for verify_service_patience.
//
// smtpd(8) asks without end where it gets no answer, and dies where it can not connect for long. So every request is
// answered: a malformed one with status -2, one on which the daemon fails as internal_error_action says. "disconnect"
// is no use here and counts as "defer".
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_VERIFY_H_
#define VERIFYD_VERIFYD_DOOR_VERIFY_H_

#include <cstddef>
#include <memory>

#include "verifyd/door/door_settings.h"
#include "verifyd/door/mail_protocol.h"
#include "verifyd/restriction/restrictions.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

class VerifyProtocol final : public MailProtocol {
 public:
  // All outlive the protocol.
  VerifyProtocol(Verifier& verifier, Resolver& resolver, DecisionRecord& record, Metrics& metrics)
      : MailProtocol(restrictions_, record, metrics), verifier_(verifier), restrictions_(verifier, resolver) {}

  absl::string_view name() const override { return "verify"; }
  size_t request_limit() const override;
  absl::StatusOr<size_t> RequestLength(absl::string_view buffer) const override;
  void Configure(const DoorSettings& settings) override;
  std::unique_ptr<Conversation> Begin(DoorClient& client) override;

 private:
  friend class VerifyConversation;

  Verifier& verifier_;
  Restrictions restrictions_;
  VerifyDoorSettings settings_;
  bool fails_open_ = true;  // internal_error_action = dunno
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_VERIFY_H_
