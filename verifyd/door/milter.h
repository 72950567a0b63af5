// The milter door: Sendmail's mail filter protocol, which Postfix speaks, too (MILTER_README). It answers only the
// recipients of a message, each with "continue" or with the reply that the client sees.
//
// Mail that is submitted on this machine without SMTP is never refused: nobody is there to hear it, and Postfix would
// keep it in its queue for ever. Nor are recipients that the MTA itself delivers or refuses ({rcpt_mailer}).
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_MILTER_H_
#define VERIFYD_VERIFYD_DOOR_MILTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/timer.h"
#include "verifyd/door/mail_protocol.h"

namespace verifyd {

class MilterProtocol : public MailProtocol {
 public:
  // All outlive the protocol.
  MilterProtocol(Restrictions& restrictions, DecisionRecord& record, Metrics& metrics, Timers& timers)
      : MailProtocol(restrictions, record, metrics), timers_(timers) {}

  absl::string_view name() const override { return "milter"; }
  // A request is a packet.
  size_t request_limit() const override;
  absl::StatusOr<size_t> RequestLength(absl::string_view buffer) const override;
  std::unique_ptr<Conversation> Begin(DoorClient& client) override;

 private:
  Timers& timers_;
  uint64_t conversations_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_MILTER_H_
