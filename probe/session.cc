#include "probe/session.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "probe/race.h"
#include "verdict/reason.h"

namespace verifyd {
namespace {

constexpr int kShuttingDown = 421;
constexpr int kGoodbye = 221;
// Bytes sent ahead of replies: less than any socket buffer, so that two who both write do not wait for each other.
constexpr size_t kMaxWindow = size_t{16} * 1024;

// A command is one line, whatever names and senders were configured.
bool IsOneLine(absl::string_view command) {
  return std::none_of(command.begin(), command.end(), [](char c) { return absl::ascii_iscntrl(c); });
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isascii(c); });
}

}  // namespace

Session::Session(Loop& loop, std::vector<Endpoint> endpoints, ProbeIdentity identity,
                 std::shared_ptr<const ProbeSettings> settings, std::shared_ptr<const Classifier> classifier,
                 Sources sources)
    : loop_(loop),
      endpoints_(std::move(endpoints)),
      endpoint_(endpoints_.front()),
      identity_(std::move(identity)),
      settings_(std::move(settings)),
      classifier_(std::move(classifier)),
      sources_(std::move(sources)),
      timer_(loop.timers()) {}

boost::asio::awaitable<std::optional<Finding>> Session::Open(Dialer& dialer, MonoTime deadline,
                                                             Transcript& transcript) {
  deadline_ = deadline;
  transcript_ = &transcript;
  std::optional<Finding> refusal = co_await Connect(dialer, /*with_tls=*/true);
  if (refusal.has_value() && clear_may_help_ && loop_.clock().Mono() < deadline) {
    // Nobody asked for TLS but us; what is broken there must not hide whether the address exists (RFC 7435).
    if (transcript.wanted()) transcript.Note(absl::StrCat(refusal->text, ": once more in clear"));
    refusal = co_await Connect(dialer, /*with_tls=*/false);
  }
  transcript_ = nullptr;
  if (refusal.has_value() && transcript.wanted()) transcript.Note(refusal->text);
  co_return refusal;
}

boost::asio::awaitable<std::optional<Finding>> Session::Connect(Dialer& dialer, bool with_tls) {
  for (const Endpoint& endpoint : endpoints_) {
    if (transcript_->wanted()) transcript_->Note(absl::StrCat("connecting to ", endpoint.ToString()));
  }
  state_ = State::kNew;
  expired_ = Event::kNone;
  tls_ = false;
  parser_ = ReplyParser();
  unread_ = {};
  stream_.reset();
  const MonoTime connect_by = std::min(deadline_, loop_.clock().Mono() + settings_->connect_timeout);
  Raced raced = co_await DialFirst(loop_, dialer, endpoints_, sources_, connect_by);
  Dialed& dialed = raced.dialed;
  endpoint_ = std::move(raced.endpoint);
  unreachable_ = std::move(raced.failed);
  policy_ = PolicyHere();
  may_use_tls_ = with_tls && policy_.level != TlsLevel::kNone;
  // A second connection, in clear, goes to the one that answered.
  if (dialed.stream != nullptr) endpoints_ = {endpoint_};
  for (const Endpoint& endpoint : unreachable_) {
    if (dialed.stream != nullptr && transcript_->wanted()) {
      transcript_->Note(absl::StrCat(endpoint.ToString(), " did not answer"));
    }
  }
  if (dialed.stream != nullptr) {
    stream_ = std::move(dialed.stream);
    co_return co_await Greet();
  }
  state_ = State::kBroken;
  exhausted_ = dialed.exhausted;
  const bool out_of_time = dialed.failure == Event::kConnectTimeout && loop_.clock().Mono() >= deadline_;
  const Event event = out_of_time ? Event::kDeadline : dialed.failure;
  const Step connecting = {Stage::kConnect, "", ""};
  co_return FindingOf(connecting, Classifier::Classify(event, Stage::kConnect), ConnectWords(endpoint_, dialed.error));
}

boost::asio::awaitable<std::optional<Finding>> Session::Greet() {
  const Heard heard = co_await Exchange(kGreetingStep, settings_->helo_timeout, "");
  std::optional<Finding> refusal = RefusalIn(kGreetingStep, heard);
  if (refusal.has_value()) co_return refusal;
  refusal = co_await Introduce();
  const bool secure = refusal.has_value() ? refusal->reason == Reason::kTlsRequired : offers_starttls_;
  if (secure && may_use_tls_) refusal = co_await Secure();
  if (!refusal.has_value() && !tls_ && policy_.required()) {
    refusal = Unencrypted("TLS is required, but was not offered by");
  }
  if (!refusal.has_value() && policy_.level == TlsLevel::kDaneOnly && policy_.tlsa.empty()) {
    refusal = Unencrypted("no TLSA records could be found for");
  }
  if (refusal.has_value()) {
    if (state_ == State::kReady) state_ = State::kRefused;
  } else {
    greeted_ = true;
  }
  co_return refusal;
}

// EHLO, else HELO; LMTP has only LHLO (RFC 2033 section 4.1).
boost::asio::awaitable<std::optional<Finding>> Session::Introduce() {
  offers_smtputf8_ = offers_pipelining_ = offers_starttls_ = false;
  const std::string& helo = identity_.helo.empty() ? settings_->myhostname : identity_.helo;
  const bool lmtp = endpoint_.protocol == Protocol::kLmtp;
  const Step& step = lmtp ? kLhloStep : kEhloStep;
  Heard heard = co_await Exchange(step, settings_->helo_timeout, absl::StrCat(step.command, " ", helo));
  std::optional<Finding> refusal = RefusalIn(step, heard);
  if (!refusal.has_value()) {
    ReadExtensions(heard.reply);
  } else if (!lmtp && heard.event == Event::kNone && heard.reply.code != kShuttingDown &&
             refusal->reason != Reason::kTlsRequired) {
    heard = co_await Exchange(kHeloStep, settings_->helo_timeout, absl::StrCat("HELO ", helo));
    std::optional<Finding> of_helo = RefusalIn(kHeloStep, heard);
    // A server that hangs up at HELO has said at EHLO why.
    if (!of_helo.has_value() || heard.event == Event::kNone) refusal = std::move(of_helo);
  }
  if (!refusal.has_value() && IsOurselves(heard.reply)) {
    refusal = FindingOf(step, Failed(Event::kMailLoopSelf, ""));
    state_ = State::kRefused;
  }
  if (!refusal.has_value()) state_ = State::kReady;
  co_return refusal;
}

// As Postfix: on the port of public mail, a server with our name is us.
bool Session::IsOurselves(const Reply& reply) const {
  if (!endpoint_.path.empty() || endpoint_.port != settings_->smtp_tcp_port || reply.lines.empty()) return false;
  const absl::string_view line = reply.lines.front();
  const absl::string_view name = line.substr(0, line.find_first_of(" \t"));
  return absl::EqualsIgnoreCase(name, settings_->myhostname) ||
         (!identity_.helo.empty() && absl::EqualsIgnoreCase(name, identity_.helo));
}

TlsPolicy Session::PolicyHere() const {
  if (endpoint_.tls.has_value()) return *endpoint_.tls;
  TlsPolicy policy;
  policy.level = settings_->tls_level;
  // A socket on this machine needs none, and has no name that a certificate could prove.
  if (!endpoint_.path.empty()) policy.level = std::min(policy.level, TlsLevel::kMay);
  return policy;
}

Finding Session::Unencrypted(absl::string_view why) {
  Finding finding = FindingOf(kStarttlsStep, Failed(Event::kTlsPolicyFailed, std::string(why)));
  state_ = State::kRefused;
  return finding;
}

// STARTTLS (RFC 3207), and who the server is behind it. Nothing: the dialogue goes on, in TLS or, where that is only
// wished for and the server will not just now, in clear.
boost::asio::awaitable<std::optional<Finding>> Session::Secure() {
  may_use_tls_ = false;
  const bool required = policy_.required();
  state_ = State::kReady;
  Heard heard = co_await Exchange(kStarttlsStep, settings_->starttls_timeout, "STARTTLS");
  if (heard.event == Event::kProtocolError || !unread_.empty()) {
    // Bytes behind the reply would be taken for what was said in TLS (CVE-2011-0411).
    co_return FindingOf(kStarttlsStep,
                        Failed(Event::kPlaintextAfterStarttls, "plaintext behind its reply to STARTTLS"));
  }
  if (heard.event == Event::kNone && !heard.reply.ok()) {
    if (heard.reply.code == kShuttingDown) co_return RefusalIn(kStarttlsStep, heard);
    if (required) co_return Unencrypted("TLS is required, but was refused by");
    co_return std::nullopt;
  }
  std::optional<Finding> failure;
  if (heard.event == Event::kNone) {
    ArmTimer(settings_->starttls_timeout);
    const absl::StatusOr<TlsFacts> facts = co_await stream_->StartTls(endpoint_.host, policy_);
    timer_.Cancel();
    if (facts.ok()) {
      tls_ = true;
      parser_ = ReplyParser();
      if (transcript_ != nullptr && transcript_->wanted()) {
        transcript_->Note(absl::StrCat(policy_.authenticated() ? "verified " : "", facts->protocol, " with cipher ",
                                       facts->cipher, facts->resumed ? ", resumed" : ""));
      }
      failure = co_await Introduce();
      if (!failure.has_value() || state_ != State::kBroken) co_return failure;
    } else {
      const Event meaning = required ? Event::kTlsPolicyFailed : Event::kTlsFailed;
      const bool unverified = absl::IsPermissionDenied(facts.status());
      failure = FindingOf(kHandshakeStep, Failed(expired_ != Event::kNone ? expired_ : meaning,
                                                 unverified ? "Server certificate not verified at"
                                                            : "Cannot start TLS: handshake failure with"));
      if (unverified && transcript_ != nullptr) transcript_->Note(std::string(facts.status().message()));
    }
  } else {
    failure = FindingOf(kStarttlsStep, heard);
  }
  clear_may_help_ = !required;
  co_return failure;
}

boost::asio::awaitable<void> Session::Ask(absl::Span<Enquiry> batch, MonoTime deadline,
                                          absl::FunctionRef<void(Enquiry&)> on_answer, Farewell farewell) {
  deadline_ = deadline;
  transcript_ = batch.size() == 1 ? batch.front().transcript : nullptr;
  longest_gap_ = absl::ZeroDuration();
  const auto answer = [&](Enquiry& enquiry) {
    enquiry.answered = loop_.clock().Mono();
    if (enquiry.transcript->wanted()) {
      const Finding& finding = *enquiry.finding;
      enquiry.transcript->Note(absl::StrCat(DeliverabilityName(finding.deliverability), ", ",
                                            ReasonName(finding.reason), " (rule ", finding.rule, "): ", finding.text));
    }
    on_answer(enquiry);
  };
  // What a refusal of MAIL asks for is tried, each once.
  Redo redo = co_await Transact(PlanTransaction(batch), answer, farewell);
  while (redo != Redo::kNothing) {
    if (redo == Redo::kInTls) {
      const std::optional<Finding> failure = co_await Secure();
      if (failure.has_value() || !tls_) {
        for (Enquiry& enquiry : batch) {
          if (enquiry.finding.has_value()) continue;
          enquiry.finding = failure.has_value() ? failure : mail_refusal_;
          answer(enquiry);
        }
        break;
      }
    }
    redo = co_await Transact(PlanTransaction(batch), answer, farewell);
  }
  used_ = true;
  transcript_ = nullptr;
  timer_.Cancel();
}

// Another MX, or a mended one, may well take it: that is no verdict about the address.
std::optional<Finding> Session::MissingSmtputf8(const Address& address) const {
  if (offers_smtputf8_ || (!address.needs_smtputf8() && IsAscii(identity_.sender))) return std::nullopt;
  return FindingOf(kMailStep, ClassificationOf(Reason::kSmtputf8Required, "event.smtputf8_required"),
                   absl::StrCat("SMTPUTF8 is required, but was not offered by host ", endpoint_.HostAndAddress()));
}

std::vector<Session::Planned> Session::PlanTransaction(absl::Span<Enquiry> batch) {
  std::vector<Planned> plan;
  plan.reserve(batch.size() + 2);
  if (in_transaction_) plan.push_back({kRsetStep, settings_->rset_timeout, "RSET", nullptr});
  const bool utf8 = !IsAscii(identity_.sender) || std::any_of(batch.begin(), batch.end(), [](const Enquiry& enquiry) {
    return !enquiry.finding.has_value() && enquiry.address->needs_smtputf8();
  });
  plan.push_back({kMailStep, settings_->mail_timeout,
                  absl::StrCat("MAIL FROM:<", identity_.sender, ">", utf8 && offers_smtputf8_ ? " SMTPUTF8" : ""),
                  nullptr});
  for (Enquiry& enquiry : batch) {
    if (enquiry.finding.has_value()) continue;  // answered before all was tried again; its address may be gone
    enquiry.finding = MissingSmtputf8(*enquiry.address);
    plan.push_back({kRcptStep, settings_->rcpt_timeout,
                    enquiry.finding.has_value() ? "" : absl::StrCat("RCPT TO:<", enquiry.address->ToSmtp(), ">"),
                    &enquiry});
  }
  return plan;
}

// How far to send before replies are read.
size_t Session::EndOfWindow(const std::vector<Planned>& plan, size_t begin) const {
  size_t end = begin + 1;
  if (!offers_pipelining_) return end;
  size_t bytes = plan[begin].command.size();
  for (; end < plan.size() && bytes < kMaxWindow; ++end) bytes += plan[end].command.size();
  return end;
}

boost::asio::awaitable<Session::Redo> Session::Transact(std::vector<Planned> plan,
                                                        absl::FunctionRef<void(Enquiry&)> on_answer,
                                                        Farewell farewell) {
  const auto answer = [&](Enquiry& enquiry, Finding finding, bool again) {
    enquiry.finding = std::move(finding);
    enquiry.again = again;
    on_answer(enquiry);
  };
  const auto unasked = [](const Planned& planned) { return planned.command.empty(); };
  for (const Planned& planned : plan) {
    if (unasked(planned)) on_answer(*planned.enquiry);
  }
  plan.erase(std::remove_if(plan.begin(), plan.end(), unasked), plan.end());
  if (plan.back().enquiry == nullptr) co_return Redo::kNothing;  // nobody is left to ask about

  const bool quits = farewell == Farewell::kQuit && offers_pipelining_ && !settings_->AsksData(endpoint_.protocol);
  Redo redo = Redo::kNothing;
  std::optional<Finding>& mail_refused = mail_refusal_;
  mail_refused.reset();
  bool mail_again = false;
  bool answered_one = false;
  size_t sent = 0;
  MonoTime last_heard = loop_.clock().Mono();
  for (size_t i = 0; i < plan.size(); ++i) {
    const Planned& planned = plan[i];
    std::optional<Heard> failed;
    ArmTimer(planned.timeout);
    if (i == sent && !mail_refused.has_value()) {
      sent = EndOfWindow(plan, i);
      std::vector<absl::string_view> commands;
      commands.reserve(sent - i);
      for (size_t k = i; k < sent; ++k) commands.emplace_back(plan[k].command);
      if (quits && sent == plan.size()) {
        commands.emplace_back(kQuitStep.command);
        state_ = State::kLeaving;
      }
      failed = co_await Send(commands);
    }
    if (i >= sent) {  // a refusal came before this was sent
      if (planned.enquiry != nullptr && redo == Redo::kNothing) answer(*planned.enquiry, *mail_refused, mail_again);
      continue;
    }
    Heard heard;
    if (failed.has_value()) {
      heard = *std::move(failed);
    } else {
      heard = co_await Receive(planned.step, i + 1 == sent && state_ != State::kLeaving);
      // A goodbye that comes too early answers QUIT: to this command nothing was said.
      if (heard.reply.code == kGoodbye) heard = Failed(Event::kClosed, "");
      longest_gap_ = std::max(longest_gap_, loop_.clock().Mono() - last_heard);
      last_heard = loop_.clock().Mono();
    }
    const bool over = heard.event != Event::kNone || heard.reply.code == kShuttingDown;
    if (planned.enquiry == nullptr) {
      std::optional<Finding> refusal = RefusalIn(planned.step, heard);
      if (!refusal.has_value()) {
        in_transaction_ = planned.step.stage == Stage::kMail;
        continue;
      }
      mail_refused = std::move(refusal);
      // A connection that did not outlive its idle time, or a server that will not begin anew, says nothing of anybody.
      mail_again = planned.step.stage == Stage::kQuit || (used_ && over);
      const bool may_redo = !over && planned.step.stage == Stage::kMail && state_ != State::kLeaving;
      if (may_redo) redo = RedoFor(planned.command, heard.reply);
    } else if (mail_refused.has_value()) {
      if (redo == Redo::kNothing) answer(*planned.enquiry, *mail_refused, mail_again);
    } else {
      Finding finding = FindingOf(planned.step, heard);
      if (settings_->AsksData(endpoint_.protocol) && heard.event == Event::kNone && heard.reply.ok()) {
        finding = co_await AskData();
      }
      if (heard.event == Event::kNone) ++asked_;
      const bool of_session = over || finding.scope == Scope::kSession;
      answer(*planned.enquiry, std::move(finding), of_session && (answered_one || used_));
      answered_one = true;
    }
    if (!over || i + 1 == plan.size()) continue;
    // The connection is of no more use; who was not answered had no chance.
    const Finding end = mail_refused.has_value() ? *mail_refused : FindingOf(planned.step, heard);
    const size_t first = redo == Redo::kNothing ? i + 1 : 0;  // what was to be tried again has not been answered
    for (size_t k = first; k < plan.size(); ++k) {
      if (plan[k].enquiry != nullptr) answer(*plan[k].enquiry, end, mail_refused.has_value() ? mail_again : true);
    }
    co_return Redo::kNothing;
  }
  co_return redo;
}

Session::Redo Session::RedoFor(absl::string_view mail, const Reply& reply) {
  if (mail_refusal_->reason == Reason::kTlsRequired && may_use_tls_) return Redo::kInTls;
  if (absl::EndsWith(mail, " SMTPUTF8") && (reply.code == 501 || reply.code == 504 || reply.code == 555)) {
    offers_smtputf8_ = false;  // whatever it said
    return Redo::kWithoutSmtputf8;
  }
  return Redo::kNothing;
}

// smtp_address_verify_target = data: some accept every recipient and refuse at DATA. Behind a 354 only closing the
// connection keeps a message from being sent.
boost::asio::awaitable<Finding> Session::AskData() {
  const Heard heard = co_await Exchange(kDataStep, settings_->data_init_timeout, "DATA");
  Finding finding = FindingOf(kDataStep, heard);
  if (heard.event == Event::kNone && heard.reply.code_class() == 3) state_ = State::kBroken;
  co_return finding;
}

boost::asio::awaitable<CatchAll> Session::AskCatchAll(const Address& random, MonoTime deadline,
                                                      Transcript& transcript) {
  if (state_ != State::kReady || !in_transaction_) co_return CatchAll::kCouldNotTell;
  deadline_ = deadline;
  transcript_ = &transcript;
  const Heard heard =
      co_await Exchange(kRcptStep, settings_->rcpt_timeout, absl::StrCat("RCPT TO:<", random.ToSmtp(), ">"));
  transcript_ = nullptr;
  if (heard.event != Event::kNone) co_return CatchAll::kCouldNotTell;
  if (heard.reply.ok()) co_return CatchAll::kYes;
  const Finding finding = FindingOf(kRcptStep, heard);
  const bool no = finding.deliverability == Deliverability::kUndeliverable && finding.scope == Scope::kAddress;
  co_return no ? CatchAll::kNo : CatchAll::kCouldNotTell;
}

boost::asio::awaitable<void> Session::Leave() {
  deadline_ = MonoTime::InfiniteFuture();
  if (stream_ == nullptr) co_return;
  if (state_ == State::kReady || state_ == State::kRefused) {
    co_await Exchange(kQuitStep, std::min(settings_->quit_timeout, kQuitPatience), "QUIT");
  } else if (state_ == State::kLeaving) {
    co_await Exchange(kQuitStep, std::min(settings_->quit_timeout, kQuitPatience), "");
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
    const absl::string_view commands[] = {command};
    std::optional<Heard> failed = co_await Send(commands);
    if (failed.has_value()) co_return *std::move(failed);
  }
  co_return co_await Receive(step, /*last=*/true);
}

boost::asio::awaitable<std::optional<Session::Heard>> Session::Send(absl::Span<const absl::string_view> commands) {
  std::string bytes;
  for (const absl::string_view command : commands) {
    if (!IsOneLine(command)) co_return Failed(Event::kLocalError, "control character in a command of ours");
    if (transcript_ != nullptr) transcript_->Sent(command);
    absl::StrAppend(&bytes, command, "\r\n");
  }
  // A server that refuses and hangs up at once makes this fail; what it said before can be read all the same.
  (co_await stream_->Write(bytes)).IgnoreError();
  co_return std::nullopt;
}

boost::asio::awaitable<Session::Heard> Session::Receive(const Step& step, bool last) {
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
  if (last) timer_.Cancel();
  if (transcript_ != nullptr) transcript_->Received(heard.reply);
  if (last && !unread_.empty() && !absl::StartsWith(unread_, "421")) {
    co_return Failed(Event::kProtocolError, "more than one reply to a command");
  }
  if (heard.reply.code == kShuttingDown) state_ = State::kRefused;
  co_return heard;
}

std::optional<Finding> Session::RefusalIn(const Step& step, const Heard& heard) {
  if (heard.event == Event::kNone && heard.reply.ok()) {
    // Some say in a 220 greeting that they will not take our mail.
    if (step.stage != Stage::kBanner ||
        classifier_->Classify(step.stage, heard.reply, endpoint_.host).reason == Reason::kNone) {
      return std::nullopt;
    }
    state_ = State::kRefused;
    return FindingOf(step, heard);
  }
  if (heard.event == Event::kNone && step.stage != Stage::kMail) state_ = State::kRefused;
  return FindingOf(step, heard);
}

void Session::ReadExtensions(const Reply& ehlo) {
  for (size_t i = 1; i < ehlo.lines.size(); ++i) {
    const absl::string_view line = ehlo.lines[i];
    const absl::string_view keyword = line.substr(0, line.find_first_of(" \t"));
    if (absl::EqualsIgnoreCase(keyword, "SMTPUTF8")) offers_smtputf8_ = true;
    if (absl::EqualsIgnoreCase(keyword, "PIPELINING")) offers_pipelining_ = true;
    if (absl::EqualsIgnoreCase(keyword, "STARTTLS")) offers_starttls_ = true;
  }
}

Finding Session::FindingOf(const Step& step, const Classification& classified, absl::string_view text) const {
  Finding finding = ToFinding(classified, step.stage, text, loop_.clock().Now());
  finding.mx_name = endpoint_.host;
  finding.mx_address = endpoint_.address;
  return finding;
}

Finding Session::FindingOf(const Step& step, const Heard& heard) const {
  Event event = heard.event;
  std::string detail = heard.detail;
  if (event == Event::kNone && heard.reply.code_class() == 3 && step.stage != Stage::kData) {
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
