#include "verifyd/door/mail_protocol.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "verifyd/history/decision_log.h"

namespace verifyd {
namespace {

Ruling Trouble() {
  Ruling ruling;
  ruling.decision.kind = DecisionKind::kDeferIfPermit;
  ruling.decision.code = 450;
  ruling.decision.dsn = "4.3.0";
  ruling.decision.text = "address verification problem";
  return ruling;
}

}  // namespace

void MailProtocol::Configure(const DoorSettings& settings) { settings_ = settings.mail; }

std::optional<boost::asio::awaitable<void>> MailConversation::Decide(const MailRequest& request) {
  if (!protocol_.settings_.decides) {
    AnswerFailure();
    return std::nullopt;
  }
  Evaluation evaluation = protocol_.restrictions_.Begin(request, client_.memory_only());
  if (!evaluation.settled()) return DecideLater(request, std::move(evaluation));
  Say(request, evaluation.ruling());
  return std::nullopt;
}

boost::asio::awaitable<void> MailConversation::DecideLater(MailRequest request, Evaluation evaluation) {
  const Ruling ruling = co_await protocol_.restrictions_.Finish(std::move(evaluation));
  Say(request, ruling);
}

void MailConversation::Say(const MailRequest& request, const Ruling& ruling) {
  protocol_.metrics_.decisions(ActionWord(ruling)).Increment();
  if (const std::string id = protocol_.record_.Take(request, ruling); !id.empty()) {
    SayWithId(request, ruling, id);
    return;
  }
  LogDecision(request, ruling, "");
  client_.Say(Worded(ruling));
}

void MailConversation::SayWithId(const MailRequest& request, Ruling ruling, absl::string_view id) {
  absl::StrAppend(&ruling.decision.text, " (id ", id, ")");
  LogDecision(request, ruling, id);
  client_.Say(Worded(ruling));
}

void MailConversation::LogDecision(const MailRequest& request, const Ruling& ruling, absl::string_view id) {
  if (!DecisionIsLogged(protocol_.settings_.decisions_logged, ruling)) return;
  std::string line = DecisionLine(request, ruling, client_.waited());
  if (!id.empty()) absl::StrAppend(&line, " id=", id);
  LogInfo(line);
}

void MailConversation::AnswerFailure() {
  switch (protocol_.settings_.internal_error_action) {
    case InternalErrorAction::kDunno:
      client_.Say(Worded(Ruling()));
      break;
    case InternalErrorAction::kDefer:
      client_.Say(WordedTrouble(Trouble()));
      break;
    case InternalErrorAction::kDisconnect:
      // SMTPD_POLICY_README asks for this in case of trouble.
      client_.HangUp();
      break;
  }
}

}  // namespace verifyd
