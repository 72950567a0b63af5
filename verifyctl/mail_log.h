// A Postfix mail log, read for the requests that smtpd(8) once had: recipients refused at RCPT, and recipients of
// accepted mail. Anybody who may send mail may put text into it: all that is found is bounded and checked, and lines
// that are no request are passed over.
//
//   postfix/smtpd[1]: 4bX: client=mx.a.example[192.0.2.1], sasl_method=PLAIN, sasl_username=joe
//   postfix/qmgr[1]: 4bX: from=<ann@a.example>, size=900, nrcpt=1 (queue active)
//   postfix/smtp[1]: 4bX: to=<bob@b.example>, orig_to=<info@b.example>, relay=..., status=sent (250 Ok)
//   postfix/smtpd[1]: NOQUEUE: reject: RCPT from mx.a.example[192.0.2.1]: 550 5.1.1 <x@b.example>: Recipient address
//     rejected: ...; from=<ann@a.example> to=<x@b.example> proto=ESMTP helo=<mx.a.example>
//
// Thread: any, one at a time.
#ifndef VERIFYD_VERIFYCTL_MAIL_LOG_H_
#define VERIFYD_VERIFYCTL_MAIL_LOG_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace verifyd {

class MailLog {
 public:
  // Messages whose senders are remembered; the oldest are forgotten first.
  static constexpr size_t kMostMessages = 20000;

  // Returns a line for the api's replay: sender, recipient, client address and SASL login, tabs between, without a line
  // end; nullopt where `line` is about no recipient. The sender is "<>" also where it is not known.
  std::optional<std::string> Take(absl::string_view line);

 private:
  struct Message {
    std::string sender;
    std::string client_address;
    std::string sasl_username;
  };

  Message& MessageOf(absl::string_view queue_id);

  absl::flat_hash_map<std::string, Message> messages_;
  std::deque<std::string> oldest_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_MAIL_LOG_H_
