#include "probe/session.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "verdict/reason.h"

namespace verifyd {
namespace {

constexpr int kShuttingDown = 421;

// A command is one line, whatever names and senders were configured.
bool IsOneLine(absl::string_view command) {
  return std::none_of(command.begin(), command.end(), [](char c) { return absl::ascii_iscntrl(c); });
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isascii(c); });
}

}  // namespace

Session::Session(Loop& loop, Endpoint endpoint, ProbeIdentity identity, std::shared_ptr<const ProbeSettings> settings,
                 std::shared_ptr<const Classifier> classifier)
    : loop_(loop),
      endpoint_(std::move(endpoint)),
      identity_(std::move(identity)),
      settings_(std::move(settings)),
      classifier_(std::move(classifier)),
      timer_(loop.timers()) {}

boost::asio::awaitable<std::optional<Finding>> Session::Open(Dialer& dialer, MonoTime deadline,
                                                             Transcript& transcript) {
  deadline_ = deadline;
  transcript_ = &transcript;
  if (transcript.wanted()) transcript.Note(absl::StrCat("connecting to ", endpoint_.ToString()));
  const MonoTime connect_by = std::min(deadline, loop_.clock().Mono() + settings_->connect_timeout);
  Dialed dialed = co_await dialer.Dial(endpoint_, identity_.source_address, connect_by);
  std::optional<Finding> refusal;
  if (dialed.stream == nullptr) {
    state_ = State::kBroken;
    const bool out_of_time = dialed.failure == Event::kConnectTimeout && loop_.clock().Mono() >= deadline;
    const Event event = out_of_time ? Event::kDeadline : dialed.failure;
    const Step connecting = {Stage::kConnect, "", ""};
    refusal =
        FindingOf(connecting, Classifier::Classify(event, Stage::kConnect), ConnectWords(endpoint_, dialed.error));
  } else {
    stream_ = std::move(dialed.stream);
    refusal = co_await Greet();
  }
  transcript_ = nullptr;
  if (refusal.has_value() && transcript.wanted()) transcript.Note(refusal->text);
  co_return refusal;
}

boost::asio::awaitable<std::optional<Finding>> Session::Greet() {
  Heard heard = co_await Exchange(kGreetingStep, settings_->helo_timeout, "");
  if (std::optional<Finding> refusal = RefusalIn(kGreetingStep, heard); refusal.has_value()) co_return refusal;

  const std::string& helo = identity_.helo.empty() ? settings_->myhostname : identity_.helo;
  heard = co_await Exchange(kEhloStep, settings_->helo_timeout, absl::StrCat("EHLO ", helo));
  std::optional<Finding> refusal = RefusalIn(kEhloStep, heard);
  if (!refusal.has_value()) {
    ReadExtensions(heard.reply);
  } else if (heard.event == Event::kNone && heard.reply.code != kShuttingDown) {
    heard = co_await Exchange(kHeloStep, settings_->helo_timeout, absl::StrCat("HELO ", helo));
    std::optional<Finding> of_helo = RefusalIn(kHeloStep, heard);
    // A server that hangs up at HELO has said at EHLO why.
    if (!of_helo.has_value() || heard.event == Event::kNone) refusal = std::move(of_helo);
  }
  if (!refusal.has_value()) {
    greeted_ = true;
    state_ = State::kReady;
  }
  co_return refusal;
}

boost::asio::awaitable<Finding> Session::Ask(const Address& address, MonoTime deadline, Transcript& transcript) {
  deadline_ = deadline;
  transcript_ = &transcript;
  std::string mail = absl::StrCat("MAIL FROM:<", identity_.sender, ">");
  std::optional<Finding> finding;
  if (address.needs_smtputf8() || !IsAscii(identity_.sender)) {
    if (offers_smtputf8_) {
      mail.append(" SMTPUTF8");
    } else {
      // Another MX, or a mended one, may well take it: that is no verdict about the address.
      const ReasonRow& row = RowOf(Reason::kSmtputf8Required);
      Classification required;
      required.deliverability = row.deliverability;
      required.reason = row.reason;
      required.scope = row.scope;
      required.rule = "event.smtputf8_required";
      finding = FindingOf(kMailStep, std::move(required),
                          absl::StrCat("SMTPUTF8 is required, but was not offered by host ", endpoint_.host, "[",
                                       endpoint_.address, "]"));
    }
  }
  if (!finding.has_value()) {
    const Heard heard = co_await Exchange(kMailStep, settings_->mail_timeout, std::move(mail));
    finding = RefusalIn(kMailStep, heard);
  }
  if (!finding.has_value()) {
    in_transaction_ = true;
    const Heard heard =
        co_await Exchange(kRcptStep, settings_->rcpt_timeout, absl::StrCat("RCPT TO:<", address.ToSmtp(), ">"));
    finding = FindingOf(kRcptStep, heard);
  }
  transcript_ = nullptr;
  if (transcript.wanted()) {
    transcript.Note(absl::StrCat(DeliverabilityName(finding->deliverability), ", ", ReasonName(finding->reason),
                                 " (rule ", finding->rule, "): ", finding->text));
  }
  co_return *std::move(finding);
}

boost::asio::awaitable<void> Session::Leave() {
  deadline_ = MonoTime::InfiniteFuture();
  if (stream_ == nullptr) co_return;
  if (state_ == State::kReady && in_transaction_) {
    co_await Exchange(kRsetStep, settings_->rset_timeout, "RSET");
  }
  if (state_ == State::kReady || state_ == State::kRefused) {
    co_await Exchange(kQuitStep, std::min(settings_->quit_timeout, kQuitPatience), "QUIT");
  } else if (state_ == State::kUntrusted) {
    ArmTimer(kQuitPatience);
    (co_await stream_->Write("QUIT\r\n")).IgnoreError();
  }
  timer_.Cancel();
  state_ = State::kBroken;
  stream_.reset();
}

void Session::ArmTimer(absl::Duration timeout) {
  const MonoTime stage_end = loop_.clock().Mono() + timeout;
  const Event meaning = deadline_ < stage_end ? Event::kDeadline : Event::kTimeout;
  timer_.SetAt(std::min(stage_end, deadline_), [this, meaning] {
    expired_ = meaning;
    stream_->Close();
  });
}

Session::Heard Session::Failed(Event event, std::string detail) {
  state_ = event == Event::kNotSmtp || event == Event::kProtocolError ? State::kUntrusted : State::kBroken;
  Heard heard;
  heard.event = event;
  heard.detail = std::move(detail);
  return heard;
}

boost::asio::awaitable<Session::Heard> Session::Exchange(const Step& step, absl::Duration timeout,
                                                         std::string command) {
  ArmTimer(timeout);
  if (!command.empty()) {
    if (!IsOneLine(command)) co_return Failed(Event::kLocalError, "control character in a command of ours");
    if (transcript_ != nullptr) transcript_->Sent(command);
    command.append("\r\n");
    // A server that refuses and hangs up at once makes this fail; what it said before can be read all the same.
    (co_await stream_->Write(command)).IgnoreError();
  }
  Heard heard;
  for (;;) {
    absl::StatusOr<std::optional<Reply>> fed = parser_.Feed(unread_);
    if (!fed.ok()) {
      const bool no_reply = step.stage == Stage::kBanner && absl::IsInvalidArgument(fed.status());
      co_return Failed(no_reply ? Event::kNotSmtp : Event::kProtocolError, std::string(fed.status().message()));
    }
    if (fed->has_value()) {
      heard.reply = **std::move(fed);
      break;
    }
    const absl::StatusOr<size_t> got = co_await stream_->Read(buffer_.data(), buffer_.size());
    if (!got.ok() || *got == 0) co_return Failed(expired_ != Event::kNone ? expired_ : Event::kClosed, "");
    unread_ = absl::string_view(buffer_.data(), *got);
  }
  timer_.Cancel();
  if (transcript_ != nullptr) transcript_->Received(heard.reply);
  if (!unread_.empty() && !absl::StartsWith(unread_, "421")) {
    co_return Failed(Event::kProtocolError, "more than one reply to a command");
  }
  if (heard.reply.code == kShuttingDown) state_ = State::kRefused;
  co_return heard;
}

std::optional<Finding> Session::RefusalIn(const Step& step, const Heard& heard) {
  if (heard.event == Event::kNone && heard.reply.ok()) return std::nullopt;
  if (heard.event == Event::kNone && step.stage != Stage::kMail) state_ = State::kRefused;
  return FindingOf(step, heard);
}

void Session::ReadExtensions(const Reply& ehlo) {
  for (size_t i = 1; i < ehlo.lines.size(); ++i) {
    const absl::string_view line = ehlo.lines[i];
    const absl::string_view keyword = line.substr(0, line.find_first_of(" \t"));
    if (absl::EqualsIgnoreCase(keyword, "SMTPUTF8")) offers_smtputf8_ = true;
  }
}

Finding Session::FindingOf(const Step& step, Classification classified, std::string text) const {
  Finding finding;
  finding.deliverability = classified.deliverability;
  finding.reason = classified.reason;
  finding.scope = classified.scope;
  finding.stage = step.stage;
  finding.rule = std::move(classified.rule);
  finding.text = std::move(text);
  finding.mx_name = endpoint_.host;
  finding.mx_address = endpoint_.address;
  finding.when = loop_.clock().Now();
  return finding;
}

Finding Session::FindingOf(const Step& step, const Heard& heard) const {
  Event event = heard.event;
  std::string detail = heard.detail;
  if (event == Event::kNone && heard.reply.code_class() == 3) {  // only DATA is answered so
    event = Event::kProtocolError;
    detail = heard.reply.ToLine();
  }
  if (event != Event::kNone) {
    return FindingOf(step, Classifier::Classify(event, step.stage), EventWords(endpoint_, step, event, detail));
  }
  const Reply& reply = heard.reply;
  Finding finding = FindingOf(step, classifier_->Classify(step.stage, reply, endpoint_.host),
                              reply.ok() ? reply.ToLine(Finding::kMaxText) : ReplyWords(endpoint_, step, reply));
  finding.code = reply.code;
  finding.enhanced = reply.enhanced;
  return finding;
}

}  // namespace verifyd
