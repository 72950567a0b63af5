// What doors have in common through which an address is looked up without a mail transaction: nothing is known of the
// mail but the address, and the restrictions decide on that alone.
//
// There is no client's address in such a question, so there is no client whose budget of new probes it could use up
// (restriction/probe_budget.h); NAME_request_rate_limit is what bounds it. Nor is there a sender by which a probe of
// ours that comes back could be known again: it waits for its patience, and is deferred.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_LOOKUP_PROTOCOL_H_
#define VERIFYD_VERIFYD_DOOR_LOOKUP_PROTOCOL_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "boost/asio/awaitable.hpp"
#include "mail/question.h"
#include "verifyd/door/mail_protocol.h"

namespace verifyd {

class LookupConversation : public MailConversation {
 public:
  using MailConversation::MailConversation;

 protected:
  // Says what recipient_restrictions or sender_restrictions make of the address, which may be written as in SMTP
  // ("joe doe"@example.com) or without quotes, as MTAs write it in most of their look-ups. An empty one, and
  // "@domain", which is a key of tables, is nothing that could be asked about. As MailConversation::Decide.
  std::optional<boost::asio::awaitable<void>> LookUp(Role role, absl::string_view address);

 private:
  std::string address_;  // that is being decided on
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_LOOKUP_PROTOCOL_H_
