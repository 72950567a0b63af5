#include "verifyd/door/milter.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "verifyd/door/milter_packet.h"

namespace verifyd {
namespace {

// Postfix waits 30 s for a reply (milter_command_timeout), and as long again after each word of progress.
constexpr absl::Duration kProgressInterval = absl::Seconds(10);
// Postfix takes no longer line (line_length_limit). Every client's text is kept between packets.
constexpr size_t kMaxKept = 2048;

std::string Kept(absl::string_view text) { return std::string(text.substr(0, kMaxKept)); }

// Facts about a client.
struct Session {
  std::string client_address;
  std::string client_name;
  std::string helo_name;
  std::string daemon_name;
  std::string mta;  // "Postfix 3.7.11"
  bool submitted_here = false;
};

// Facts about one of its messages.
struct Message {
  std::string instance;
  std::string sender;
  std::string sasl_username;
  bool smtputf8 = false;
  std::string queue_id;  // Postfix has one from the second recipient on
};

class MilterConversation final : public MailConversation {
 public:
  MilterConversation(MilterProtocol& protocol, DoorClient& client, Timers& timers, uint64_t number)
      : MailConversation(protocol, client), number_(number), progress_(timers) {}

  std::optional<boost::asio::awaitable<void>> Answer(absl::string_view bytes) override;

 private:
  std::string Worded(const Ruling& ruling) const override {
    return ruling.decision.refuses() ? MilterRefusal(ruling.decision, message_.smtputf8) : MilterContinue();
  }

  absl::Status Take(const MilterPacket& packet);
  absl::Status TakeOptions(absl::string_view data);
  absl::Status TakeMacros(absl::string_view data);
  std::string* FieldFor(absl::string_view macro);
  absl::Status TakeClient(absl::string_view data);
  absl::Status TakeHelo(absl::string_view data);
  absl::Status TakeSender(absl::string_view data);
  absl::Status TakeRecipient(absl::string_view data);

  std::optional<boost::asio::awaitable<void>> AnswerRecipient();
  boost::asio::awaitable<void> Deciding(boost::asio::awaitable<void> decided);
  void ReportProgress();

  const uint64_t number_;
  uint64_t messages_ = 0;
  std::optional<MilterOptions> options_;
  Session session_;
  Message message_;
  std::string recipient_;
  std::string recipient_mailer_;  // the transport it is routed to
  Timer progress_;
};

std::optional<boost::asio::awaitable<void>> MilterConversation::Answer(absl::string_view bytes) {
  const absl::StatusOr<MilterPacket> packet = ParseMilterPacket(bytes);
  const absl::Status taken = packet.ok() ? Take(*packet) : packet.status();
  if (!taken.ok()) {
    client().HangUpFor(taken.message());
    return std::nullopt;
  }
  if (packet->command == MilterCommand::kRecipient) return AnswerRecipient();
  if (packet->command == MilterCommand::kOptions) {
    client().Say(MilterOptionsReply(*options_));
  } else if (MilterExpectsReply(packet->command, *options_)) {
    client().Say(MilterContinue());
  }
  return std::nullopt;
}

absl::Status MilterConversation::Take(const MilterPacket& packet) {
  if (!options_.has_value() && packet.command != MilterCommand::kOptions) {
    return absl::InvalidArgumentError(
        absl::StrCat("found command ", std::string(1, static_cast<char>(packet.command)), ", expected options first"));
  }
  switch (packet.command) {
    case MilterCommand::kOptions:
      return TakeOptions(packet.data);
    case MilterCommand::kMacros:
      return TakeMacros(packet.data);
    case MilterCommand::kConnect:
      return TakeClient(packet.data);
    case MilterCommand::kHelo:
      return TakeHelo(packet.data);
    case MilterCommand::kMail:
      return TakeSender(packet.data);
    case MilterCommand::kRecipient:
      return TakeRecipient(packet.data);
    case MilterCommand::kEndOfMessage:
    case MilterCommand::kAbort:
      message_ = Message();
      break;
    case MilterCommand::kQuit:
      client().HangUp();
      break;
    case MilterCommand::kQuitNewConnection:
      session_ = Session();
      message_ = Message();
      break;
    case MilterCommand::kData:
    case MilterCommand::kHeader:
    case MilterCommand::kEndOfHeaders:
    case MilterCommand::kBody:
    case MilterCommand::kUnknown:
      break;
  }
  return absl::OkStatus();
}

absl::Status MilterConversation::TakeOptions(absl::string_view data) {
  ASSIGN_OR_RETURN(const MilterOptions offered, ParseMilterOptions(data));
  ASSIGN_OR_RETURN(options_, ChooseMilterOptions(offered));
  return absl::OkStatus();
}

absl::Status MilterConversation::TakeMacros(absl::string_view data) {
  ASSIGN_OR_RETURN(const MilterMacros macros, ParseMilterMacros(data));
  if (macros.command == MilterCommand::kMail) message_ = Message();
  if (macros.command == MilterCommand::kRecipient) recipient_mailer_.clear();
  for (const auto& [name, value] : macros.values) {
    if (std::string* field = FieldFor(name); field != nullptr) *field = Kept(value);
  }
  return absl::OkStatus();
}

std::string* MilterConversation::FieldFor(absl::string_view macro) {
  if (macro == "i") return &message_.queue_id;
  if (macro == "v") return &session_.mta;
  if (macro == "{daemon_name}") return &session_.daemon_name;
  if (macro == "{auth_authen}") return &message_.sasl_username;
  if (macro == "{rcpt_mailer}") return &recipient_mailer_;
  return nullptr;
}

absl::Status MilterConversation::TakeClient(absl::string_view data) {
  ASSIGN_OR_RETURN(const MilterClient connected, ParseMilterConnect(data));
  session_.client_address = Kept(connected.address);
  session_.client_name = Kept(connected.name);
  session_.submitted_here = IsLocalSubmission(connected);
  return absl::OkStatus();
}

absl::Status MilterConversation::TakeHelo(absl::string_view data) {
  ASSIGN_OR_RETURN(const absl::string_view name, ParseMilterArgument(data));
  session_.helo_name = Kept(name);
  return absl::OkStatus();
}

absl::Status MilterConversation::TakeSender(absl::string_view data) {
  ASSIGN_OR_RETURN(const absl::string_view argument, ParseMilterArgument(data));
  message_.smtputf8 = MilterAsksForSmtputf8(data);
  message_.sender = UnquotedMilterAddress(Kept(argument));
  message_.instance = absl::StrCat("milter.", number_, ".", ++messages_);
  return absl::OkStatus();
}

absl::Status MilterConversation::TakeRecipient(absl::string_view data) {
  ASSIGN_OR_RETURN(const absl::string_view argument, ParseMilterArgument(data));
  recipient_ = UnquotedMilterAddress(Kept(argument));
  return absl::OkStatus();
}

std::optional<boost::asio::awaitable<void>> MilterConversation::AnswerRecipient() {
  if (session_.submitted_here || recipient_mailer_ == "local" || recipient_mailer_ == "error") {
    client().Say(MilterContinue());
    return std::nullopt;
  }
  // Postfix's documents have users' own mail marked so. The policy door's word for it is "submission".
  absl::string_view context = session_.daemon_name;
  if (context == "ORIGINATING") context = "submission";
  std::optional<boost::asio::awaitable<void>> decided = Decide({.protocol_state = "RCPT",
                                                                .client_address = session_.client_address,
                                                                .client_name = session_.client_name,
                                                                .helo_name = session_.helo_name,
                                                                .sasl_username = message_.sasl_username,
                                                                .sender = message_.sender,
                                                                .recipient = recipient_,
                                                                .queue_id = message_.queue_id,
                                                                .instance = message_.instance,
                                                                .context = context});
  // Sendmail takes progress for a bogus response, except at the end of a message (milter_send_command in its milter.c).
  if (!decided.has_value() || !absl::StartsWith(session_.mta, "Postfix")) return decided;
  return Deciding(*std::move(decided));
}

boost::asio::awaitable<void> MilterConversation::Deciding(boost::asio::awaitable<void> decided) {
  const absl::Cleanup silence = [this] { progress_.Cancel(); };
  progress_.SetAfter(kProgressInterval, [this] { ReportProgress(); });
  co_await std::move(decided);
}

void MilterConversation::ReportProgress() {
  client().SayNow(MilterProgress());
  progress_.SetAfter(kProgressInterval, [this] { ReportProgress(); });
}

}  // namespace

size_t MilterProtocol::request_limit() const { return kMilterLengthBytes + kMaxMilterPacket; }

absl::StatusOr<size_t> MilterProtocol::RequestLength(absl::string_view buffer) const {
  return MilterPacketLength(buffer);
}

std::unique_ptr<Conversation> MilterProtocol::Begin(DoorClient& client) {
  return std::make_unique<MilterConversation>(*this, client, timers_, ++conversations_);
}

}  // namespace verifyd
