// The common part of doors that decide on mail: they turn a client's words into a mail request, ask the restrictions,
// and word the ruling. The decision is counted, recorded and logged here.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_MAIL_PROTOCOL_H_
#define VERIFYD_VERIFYD_DOOR_MAIL_PROTOCOL_H_

#include <optional>
#include <string>

#include "boost/asio/awaitable.hpp"
#include "verifyd/door/door_settings.h"
#include "verifyd/door/protocol.h"
#include "verifyd/history/decision_record.h"
#include "verifyd/metrics/metrics.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/restrictions.h"

namespace verifyd {

class MailProtocol : public DoorProtocol {
 public:
  // All outlive the protocol.
  MailProtocol(Restrictions& restrictions, DecisionRecord& record, Metrics& metrics)
      : restrictions_(restrictions), record_(record), metrics_(metrics) {}

  void Configure(const DoorSettings& settings) override;

 private:
  friend class MailConversation;

  Restrictions& restrictions_;
  DecisionRecord& record_;
  Metrics& metrics_;
  MailProtocolSettings settings_;
};

class MailConversation : public Conversation {
 public:
  MailConversation(MailProtocol& protocol, DoorClient& client) : protocol_(protocol), client_(client) {}

  // Does what internal_error_action says.
  void AnswerFailure() override;

 protected:
  // Answers with what the restrictions decide on `request`, or as AnswerFailure does. Answers at once where memory
  // knows; else it returns the rest, as Answer does. The views in `request` must stay until then.
  std::optional<boost::asio::awaitable<void>> Decide(const MailRequest& request);
  // Returns the whole answer, in the words of the protocol.
  virtual std::string Worded(const Ruling& ruling) const = 0;
  // Does the same where something in the daemon has failed and the MTA is to be put off: `trouble` is a deferral.
  virtual std::string WordedTrouble(const Ruling& trouble) const { return Worded(trouble); }

  DoorClient& client() { return client_; }

 private:
  boost::asio::awaitable<void> DecideLater(MailRequest request, Evaluation evaluation);
  void Say(const MailRequest& request, const Ruling& ruling);
  // Does the same with an id of the record behind the text, to ask after it.
  void SayWithId(const MailRequest& request, Ruling ruling, absl::string_view id);
  void LogDecision(const MailRequest& request, const Ruling& ruling, absl::string_view id);

  MailProtocol& protocol_;
  DoorClient& client_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_MAIL_PROTOCOL_H_
