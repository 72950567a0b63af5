#include "verifyd/door/verify.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"
#include "classifier/reason.h"
#include "classifier/stock_report.h"
#include "mail/address.h"
#include "verifyd/door/verify_request.h"

namespace verifyd {
namespace {

RecipientStatus StatusOf(const Ruling& ruling) {
  switch (ruling.decision.kind) {
    case DecisionKind::kDunno:
      return RecipientStatus::kOk;
    case DecisionKind::kReject:
      return RecipientStatus::kBounce;
    case DecisionKind::kDefer:
    case DecisionKind::kDeferIfPermit:
      break;
  }
  const bool in_progress = ruling.verdict.has_value() && ruling.verdict->state == VerdictState::kInProgress;
  return in_progress ? RecipientStatus::kTodo : RecipientStatus::kDefer;
}

// Returns the text that smtpd(8) shows behind "undeliverable address: ". Postfix wants a text, even where there is
// nothing to say. It is ASCII, as this protocol does not say whether the client has asked for SMTPUTF8.
std::string ReasonOf(const Ruling& ruling) {
  if (ruling.decision.refuses()) return AsciiText(ruling.decision.text);
  const bool known = ruling.verdict.has_value() && !ruling.verdict->finding.text.empty() &&
                     !IsOwnTrouble(ruling.verdict->finding.reason);
  return known ? AsciiText(ruling.verdict->finding.text) : "not verified";
}

}  // namespace

class VerifyConversation final : public MailConversation {
 public:
  VerifyConversation(VerifyProtocol& protocol, DoorClient& client)
      : MailConversation(protocol, client), protocol_(protocol) {
    if (protocol.settings_.greets) client.Say(kVerifyGreeting);
  }

  std::optional<boost::asio::awaitable<void>> Answer(absl::string_view text) override {
    const absl::StatusOr<VerifyRequest> request = ParseVerifyRequest(text);
    if (!request.ok()) {
      AnswerMalformed(request.status());
      return std::nullopt;
    }
    if (request->kind == VerifyRequest::Kind::kQuery) {
      return Decide({.protocol_state = "VRFY", .recipient = request->address});
    }
    return TakeUpdate(*request);
  }

  void AnswerFailure() override {
    client().Say(VerifyAnswer(protocol_.fails_open_ ? VerifyStatus::kOk : VerifyStatus::kFail,
                              protocol_.fails_open_ ? RecipientStatus::kOk : RecipientStatus::kDefer,
                              "address verification problem"));
  }

 private:
  std::string Worded(const Ruling& ruling) const override {
    return VerifyAnswer(VerifyStatus::kOk, StatusOf(ruling), ReasonOf(ruling));
  }

  // verify(8) does not always answer these, and never whole: smtpd(8) then asks again without end.
  void AnswerMalformed(const absl::Status& why) {
    if (!std::exchange(said_malformed_, true)) LogWarning(absl::StrCat("verify: ", why.message()));
    client().Say(VerifyAnswer(VerifyStatus::kBad, RecipientStatus::kDefer, "the request was not understood"));
  }

  std::optional<boost::asio::awaitable<void>> TakeUpdate(const VerifyRequest& request) {
    if (protocol_.settings_.takes_updates) {
      if (absl::StatusOr<Address> address = Address::FromUnquoted(request.address); address.ok()) {
        const absl::Time now = protocol_.verifier_.clock().Now();
        Finding finding = JudgeStockReport(*protocol_.settings_.classifier, request.recipient_status, request.reason,
                                           Marks{.recipient = &*address}, now);
        return TakeIn(*std::move(address), std::move(finding));
      }
    }
    client().Say(VerifyUpdateAnswer(VerifyStatus::kOk));
    return std::nullopt;
  }

  boost::asio::awaitable<void> TakeIn(Address address, Finding finding) {
    co_await protocol_.verifier_.TakeInReport(std::move(address), std::move(finding));
    client().Say(VerifyUpdateAnswer(VerifyStatus::kOk));
  }

  VerifyProtocol& protocol_;
  bool said_malformed_ = false;
};

size_t VerifyProtocol::request_limit() const { return kMaxVerifyRequest; }

absl::StatusOr<size_t> VerifyProtocol::RequestLength(absl::string_view buffer) const {
  return VerifyRequestLength(buffer);
}

void VerifyProtocol::Configure(const DoorSettings& settings) {
  MailProtocol::Configure(settings);
  settings_ = settings.verify;
  restrictions_.Configure(settings_.restrictions);
  fails_open_ = settings.mail.internal_error_action == InternalErrorAction::kDunno;
}

std::unique_ptr<Conversation> VerifyProtocol::Begin(DoorClient& client) {
  return std::make_unique<VerifyConversation>(*this, client);
}

}  // namespace verifyd
