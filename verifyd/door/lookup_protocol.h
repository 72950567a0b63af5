// The common part of doors that look an address up without a mail transaction: nothing is known of the mail but the
// address, and the restrictions decide on that alone.
//
// Such a question names no client, so it uses up no client's budget of new probes (restriction/probe_budget.h);
// NAME_request_rate_limit bounds it. It names no sender, so a probe of ours that comes back can not be recognized: it
// waits for its patience, and is deferred.
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
  // Answers with what recipient_restrictions or sender_restrictions decide on the address, which may be written as in
  // SMTP ("joe doe"@example.com) or without quotes, as MTAs write it in most of their look-ups. An empty address, and
  // "@domain", which is a key of tables, can not be asked about. Returns as MailConversation::Decide does.
  std::optional<boost::asio::awaitable<void>> LookUp(Role role, absl::string_view address);

 private:
  std::string address_;  // the one being decided on
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_LOOKUP_PROTOCOL_H_
