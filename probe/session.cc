#include "probe/session.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "classifier/reason.h"
#include "stream/race.h"

namespace verifyd {
namespace {

constexpr int kShuttingDown = 421;
constexpr int kGoodbye = 221;
// Bytes sent ahead of replies: less than any socket buffer, so that two sides that both write do not wait for each
// other.
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
                 SourceAddresses sources)
    : loop_(loop),
      endpoints_(std::move(endpoints)),
      identity_(std::move(identity)),
      settings_(std::move(settings)),
      classifier_(std::move(classifier)),
      sources_(std::move(sources)),
      timer_(loop.timers()) {}

boost::asio::awaitable<std::unique_ptr<Finding>> Session::Open(Dialer& dialer, MonoTime deadline, Dialogue& dialogue) {
  opened_ = loop_.clock().Mono();
  deadline_ = deadline;
  dialogue_ = &dialogue;
  std::unique_ptr<Finding> refusal = co_await Connect(dialer, /*with_tls=*/true);
  if (refusal == nullptr) refusal = co_await Greet();
  if (refusal != nullptr && clear_may_help_ && loop_.clock().Mono() < deadline) {
    // Only we asked for TLS: a fault in it must not hide whether the address exists (RFC 7435).
    if (dialogue.wanted()) dialogue.Note(absl::StrCat(refusal->text, ": once more in clear"));
    refusal = co_await Connect(dialer, /*with_tls=*/false);
    if (refusal == nullptr) refusal = co_await Greet();
  }
  timer_.Cancel();
  dialogue_ = nullptr;
  if (refusal != nullptr && dialogue.wanted()) dialogue.Note(refusal->text);
  co_return refusal;
}

boost::asio::awaitable<std::unique_ptr<Finding>> Session::Connect(Dialer& dialer, bool with_tls) {
  const MonoTime connect_by = BeginToConnect();
  std::unique_ptr<Finding> refusal = TakeConnection(
      co_await (endpoints_.size() == 1 ? dialer.Dial(endpoint(), source(), connect_by) : Race(dialer, connect_by)));
  may_use_tls_ = with_tls && Policy().level != TlsLevel::kNone;
  co_return refusal;
}

// Keeps only the endpoint that answered: a second connection, in clear, goes to it.
boost::asio::awaitable<Dialed> Session::Race(Dialer& dialer, MonoTime connect_by) {
  const std::unique_ptr<Raced> raced = co_await DialFirst(loop_, dialer, endpoints_, sources_, connect_by);
  if (raced->dialed.stream != nullptr) {
    for (const size_t failed : raced->failed) {
      unreachable_.push_back(endpoints_[failed]);
      if (dialogue_->wanted()) dialogue_->Note(absl::StrCat(endpoints_[failed].ToString(), " did not answer"));
    }
    endpoints_ = {Endpoint(endpoints_[raced->winner])};
  }
  co_return std::move(raced->dialed);
}

// Forgets the connection before. Returns until when the new one is tried.
MonoTime Session::BeginToConnect() {
  if (dialogue_->wanted()) {
    for (const Endpoint& endpoint : endpoints_) dialogue_->Note(absl::StrCat("connecting to ", endpoint.ToString()));
  }
  state_ = State::kNew;
  expired_ = Event::kNone;
  tls_ = false;
  parser_ = ReplyParser();
  unread_ = {};
  outgoing_.clear();
  unreachable_.clear();
  timer_.Cancel();
  stream_.reset();
  return std::min(deadline_, loop_.clock().Mono() + settings_->connect_timeout);
}

std::unique_ptr<Finding> Session::TakeConnection(Dialed dialed) {
  if (dialed.stream != nullptr) {
    stream_ = std::move(dialed.stream);
    return nullptr;
  }
  unreachable_ = endpoints_;
  state_ = State::kBroken;
  exhausted_ = dialed.exhausted;
  const bool out_of_time = dialed.failure == Event::kConnectTimeout && loop_.clock().Mono() >= deadline_;
  const Event event = out_of_time ? Event::kDeadline : dialed.failure;
  const Step connecting = {Stage::kConnect, "", ""};
  return FindingOf(connecting, Classifier::Classify(event, Stage::kConnect), ConnectWords(endpoint(), dialed.error));
}

boost::asio::awaitable<std::unique_ptr<Finding>> Session::Greet() {
  ArmTimer(settings_->helo_timeout);
  if (others_ != nullptr) AwaitGreeting();
  co_await Receive(kGreetingStep, /*last=*/true);
  timer_.Cancel();
  std::unique_ptr<Finding> refusal = RefusalIn(kGreetingStep);
  if (refusal != nullptr) co_return refusal;
  refusal = co_await Introduce();
  const bool secure = refusal != nullptr ? refusal->reason == Reason::kTlsRequired : offers_starttls_;
  if (secure && may_use_tls_) refusal = co_await Secure();
  if (refusal == nullptr) refusal = LackOfTls();
  if (refusal == nullptr) {
    greeted_ = true;
  } else if (state_ == State::kReady) {
    state_ = State::kRefused;
  }
  co_return refusal;
}

// Says EHLO, and HELO if that is refused; LMTP has only LHLO (RFC 2033 section 4.1).
boost::asio::awaitable<std::unique_ptr<Finding>> Session::Introduce() {
  offers_smtputf8_ = offers_pipelining_ = offers_starttls_ = false;
  const bool lmtp = endpoint().protocol == Protocol::kLmtp;
  const Step& step = lmtp ? kLhloStep : kEhloStep;
  co_await SayHello(step);
  std::unique_ptr<Finding> refusal = RefusalIn(step);
  if (refusal == nullptr) {
    ReadExtensions(heard_.reply);
  } else if (!lmtp && !over() && refusal->reason != Reason::kTlsRequired) {
    co_await SayHello(kHeloStep);
    std::unique_ptr<Finding> of_helo = RefusalIn(kHeloStep);
    // A server that hangs up at HELO has said at EHLO why.
    if (of_helo == nullptr || heard_.event == Event::kNone) refusal = std::move(of_helo);
  }
  if (refusal == nullptr && IsOurselves(heard_.reply)) {
    Fail(Event::kMailLoopSelf, "");
    refusal = FindingOf(step, Marks{});
    state_ = State::kRefused;
  }
  if (refusal == nullptr) state_ = State::kReady;
  co_return refusal;
}

boost::asio::awaitable<void> Session::SayHello(const Step& step) {
  const std::string& name = identity_.helo.empty() ? settings_->myhostname : identity_.helo;
  return Exchange(step, settings_->helo_timeout, absl::StrCat(step.command, " ", name));
}

// On the port of public mail a server with our name is us, as in Postfix.
bool Session::IsOurselves(const Reply& reply) const {
  if (!endpoint().path.empty() || endpoint().port != settings_->smtp_tcp_port || reply.lines.empty()) return false;
  const absl::string_view line = reply.lines.front();
  const absl::string_view name = line.substr(0, line.find_first_of(" \t"));
  return absl::EqualsIgnoreCase(name, settings_->myhostname) ||
         (!identity_.helo.empty() && absl::EqualsIgnoreCase(name, identity_.helo));
}

TlsPolicy Session::Policy() const {
  if (endpoint().tls != nullptr) return *endpoint().tls;
  TlsPolicy policy;
  policy.level = settings_->tls_level;
  // A socket on this machine needs no TLS, and has no name that a certificate could prove.
  if (!endpoint().path.empty()) policy.level = std::min(policy.level, TlsLevel::kMay);
  return policy;
}

std::unique_ptr<Finding> Session::LackOfTls() {
  const TlsPolicy policy = Policy();
  if (!tls_ && policy.required()) return Unencrypted("TLS is required, but was not offered by");
  if (policy.level == TlsLevel::kDaneOnly && policy.tlsa.empty()) {
    return Unencrypted("no TLSA records could be found for");
  }
  return nullptr;
}

std::unique_ptr<Finding> Session::Unencrypted(absl::string_view why) {
  Fail(Event::kTlsPolicyFailed, why);
  state_ = State::kRefused;
  return FindingOf(kStarttlsStep, Marks{});
}

// Says STARTTLS (RFC 3207), and introduces itself anew in TLS. Returns null if the dialogue goes on: in TLS, or in
// clear where TLS is only wished for and the server refuses it just now.
boost::asio::awaitable<std::unique_ptr<Finding>> Session::Secure() {
  may_use_tls_ = false;
  state_ = State::kReady;
  co_await Exchange(kStarttlsStep, settings_->starttls_timeout, "STARTTLS");
  const bool required = Policy().required();
  if (heard_.event == Event::kProtocolError || !unread_.empty()) {
    // Bytes behind the reply would be taken for replies in TLS (CVE-2011-0411).
    Fail(Event::kPlaintextAfterStarttls, "plaintext behind its reply to STARTTLS");
    co_return FindingOf(kStarttlsStep, Marks{});
  }
  if (heard_.event == Event::kNone && !heard_.reply.ok()) {
    if (over()) co_return RefusalIn(kStarttlsStep);
    if (required) co_return Unencrypted("TLS is required, but was refused by");
    co_return nullptr;
  }
  std::unique_ptr<Finding> failure;
  if (heard_.event != Event::kNone) {
    failure = FindingOf(kStarttlsStep, Marks{});
  } else {
    failure = co_await Handshake();
    if (failure == nullptr) {
      failure = co_await Introduce();
      if (failure == nullptr || state_ != State::kBroken) co_return failure;
    }
  }
  clear_may_help_ = !required;
  co_return failure;
}

boost::asio::awaitable<std::unique_ptr<Finding>> Session::Handshake() {
  const TlsPolicy policy = Policy();
  ArmTimer(settings_->starttls_timeout);
  const absl::StatusOr<TlsFacts> facts = co_await stream_->StartTls(endpoint().host, policy);
  if (facts.ok()) {
    tls_ = true;
    parser_ = ReplyParser();
    if (dialogue_ != nullptr && dialogue_->wanted()) {
      dialogue_->Note(absl::StrCat(policy.authenticated() ? "verified " : "", facts->protocol, " with cipher ",
                                   facts->cipher, facts->resumed ? ", resumed" : ""));
    }
    co_return nullptr;
  }
  const Event meaning = policy.required() ? Event::kTlsPolicyFailed : Event::kTlsFailed;
  const bool unverified = absl::IsPermissionDenied(facts.status());
  Fail(expired_ != Event::kNone ? expired_ : meaning,
       unverified ? "Server certificate not verified at" : "Cannot start TLS: handshake failure with");
  if (unverified && dialogue_ != nullptr) dialogue_->Note(facts.status().message());
  co_return FindingOf(kHandshakeStep, Marks{});
}

boost::asio::awaitable<void> Session::Ask(absl::Span<Enquiry> batch, MonoTime deadline,
                                          absl::FunctionRef<void(Enquiry&)> on_answer, Farewell farewell) {
  deadline_ = deadline;
  dialogue_ = batch.size() == 1 ? batch.front().dialogue : nullptr;
  longest_gap_ = absl::ZeroDuration();
  Transaction transaction{.batch = batch, .on_answer = on_answer, .farewell = farewell};
  Plan(transaction);
  co_await Transact(transaction);
  if (transaction.redo != Redo::kNothing) co_await TransactAnew(transaction);
  used_ = true;
  dialogue_ = nullptr;
  silent_since_ = MonoTime::InfiniteFuture();
  timer_.Cancel();
  Forget();
}

void Session::GiveUp() { Expire(Event::kTimeout); }

// Drops the last reply: thousands of idle sessions would only hold memory.
void Session::Forget() {
  if (ready()) heard_ = {};
}

// Tries what a refusal of MAIL asks for, each thing once.
boost::asio::awaitable<void> Session::TransactAnew(Transaction& transaction) {
  while (transaction.redo != Redo::kNothing) {
    if (transaction.redo == Redo::kInTls) {
      const std::unique_ptr<Finding> failure = co_await Secure();
      if (failure != nullptr || !tls_) {
        co_return AnswerUnanswered(transaction, failure != nullptr ? *failure : *mail_refusal_);
      }
    }
    Plan(transaction);
    co_await Transact(transaction);
  }
}

void Session::Answer(const Transaction& transaction, Enquiry& enquiry, std::unique_ptr<Finding> finding, bool again) {
  enquiry.told = true;
  enquiry.finding = std::move(finding);
  enquiry.again = again;
  enquiry.answered = loop_.clock().Mono();
  if (enquiry.dialogue->wanted()) {
    const Finding& said = *enquiry.finding;
    enquiry.dialogue->Note(absl::StrCat(DeliverabilityName(said.deliverability), ", ", ReasonName(said.reason),
                                        " (rule ", said.rule, "): ", said.text));
  }
  transaction.on_answer(enquiry);
}

// Returns a finding if the server lacks the SMTPUTF8 that is needed. It is no verdict about the address: another MX, or
// a mended one, may well take it.
std::unique_ptr<Finding> Session::MissingSmtputf8(const Address& address) const {
  if (offers_smtputf8_ || (!address.needs_smtputf8() && IsAscii(identity_.sender))) return nullptr;
  return FindingOf(kMailStep, ClassificationOf(Reason::kSmtputf8Required, "event.smtputf8_required"),
                   absl::StrCat("SMTPUTF8 is required, but was not offered by host ", endpoint().HostAndAddress()));
}

// Addresses that can not be asked about are answered at once.
void Session::Plan(Transaction& transaction) {
  std::vector<Planned> plan;
  plan.reserve(transaction.batch.size() + 2);
  if (in_transaction_) plan.push_back({&kRsetStep, nullptr});
  plan.push_back({&kMailStep, nullptr});
  for (Enquiry& enquiry : transaction.batch) {
    if (enquiry.told) continue;  // before all was tried again
    std::unique_ptr<Finding> missing = MissingSmtputf8(*enquiry.address);
    if (missing == nullptr) {
      plan.push_back({&kRcptStep, &enquiry});
    } else {
      Answer(transaction, enquiry, std::move(missing), false);
    }
  }
  if (plan.back().enquiry == nullptr) plan.clear();  // nobody is left to ask about
  transaction.plan = std::move(plan);
  transaction.sent = 0;
  transaction.last_heard = loop_.clock().Mono();
  transaction.redo = Redo::kNothing;
  transaction.mail_again = transaction.answered_one = false;
}

boost::asio::awaitable<void> Session::Transact(Transaction& transaction) {
  mail_refusal_.reset();
  const std::vector<Planned>& plan = transaction.plan;
  for (size_t i = 0; i < plan.size(); ++i) {
    if (i == transaction.sent && mail_refusal_ == nullptr) PutWindow(transaction);
    if (i >= transaction.sent) {  // a refusal came before this was sent
      AnswerRefused(transaction, plan[i]);
      continue;
    }
    ArmTimer(TimeoutOf(*plan[i].step));
    const bool names_recipient = plan[i].enquiry != nullptr && mail_refusal_ == nullptr;
    silent_since_ = names_recipient ? transaction.last_heard : MonoTime::InfiniteFuture();
    co_await Receive(*plan[i].step, i + 1 == transaction.sent && state_ != State::kLeaving);
    // A goodbye that comes too early answers QUIT: this command got no reply.
    if (heard_.reply.code == kGoodbye) Fail(Event::kClosed, "");
    NoteGap(transaction);
    if (plan[i].enquiry != nullptr && mail_refusal_ == nullptr && AsksData() && !over() && heard_.reply.ok()) {
      // Some servers accept every recipient and refuse at DATA.
      co_await Exchange(kDataStep, settings_->data_init_timeout, "DATA");
      TakeReplyToData(transaction, plan[i]);
      continue;
    }
    // TakeReply may end the job and its address: make the finding before it.
    std::unique_ptr<Finding> end;
    if (over() && i + 1 < plan.size()) end = FindingOf(*plan[i].step, MarksOf(plan[i]));
    TakeReply(transaction, plan[i]);
    if (end != nullptr) co_return AnswerRest(transaction, i, std::move(end));
  }
}

void Session::NoteGap(Transaction& transaction) {
  const MonoTime now = loop_.clock().Mono();
  const absl::Duration gap = now - std::exchange(transaction.last_heard, now);
  // A time-out or an end is no reply that took so long.
  if (heard_.event == Event::kNone) longest_gap_ = std::max(longest_gap_, gap);
}

// Puts the commands that need not wait for replies to those before.
void Session::PutWindow(Transaction& transaction) {
  const std::vector<Planned>& plan = transaction.plan;
  do {
    PutCommand(transaction, plan[transaction.sent]);
  } while (++transaction.sent < plan.size() && offers_pipelining_ && outgoing_.size() < kMaxWindow);
  if (transaction.sent == plan.size() && transaction.farewell == Farewell::kQuit && offers_pipelining_ && !AsksData()) {
    Put(kQuitStep.command);
    if (state_ == State::kReady) state_ = State::kLeaving;
  }
}

void Session::PutCommand(const Transaction& transaction, const Planned& planned) {
  if (planned.enquiry != nullptr) return PutRcpt(*planned.enquiry->address);
  if (planned.step->stage != Stage::kMail) return Put("RSET");
  said_smtputf8_ =
      offers_smtputf8_ && (!IsAscii(identity_.sender) ||
                           std::any_of(transaction.plan.begin(), transaction.plan.end(), [](const Planned& of) {
                             return of.enquiry != nullptr && of.enquiry->address->needs_smtputf8();
                           }));
  Put(absl::StrCat("MAIL FROM:<", identity_.sender, ">", said_smtputf8_ ? " SMTPUTF8" : ""));
}

void Session::PutRcpt(const Address& address) { Put(absl::StrCat("RCPT TO:<", address.ToSmtp(), ">")); }

absl::Duration Session::TimeoutOf(const Step& step) const {
  switch (step.stage) {
    case Stage::kMail:
      return settings_->mail_timeout;
    case Stage::kRcpt:
      return settings_->rcpt_timeout;
    default:
      return settings_->rset_timeout;
  }
}

Marks Session::MarksOf(const Planned& planned) {
  return {.recipient = planned.enquiry == nullptr ? nullptr : planned.enquiry->address};
}

void Session::TakeReply(Transaction& transaction, const Planned& planned) {
  const bool ended = over();
  if (planned.enquiry == nullptr) {
    const bool mail = planned.step->stage == Stage::kMail;
    std::unique_ptr<Finding> refusal = RefusalIn(*planned.step);
    if (refusal == nullptr) {
      in_transaction_ = mail;
      return;
    }
    mail_refusal_ = std::move(refusal);
    // A connection that did not outlive its idle time, or a server that will not begin anew, says nothing about an
    // address.
    transaction.mail_again = !mail || (used_ && ended);
    if (mail && !ended && state_ != State::kLeaving) transaction.redo = RedoFor(heard_.reply);
    return;
  }
  if (mail_refusal_ != nullptr) return AnswerRefused(transaction, planned);
  NoteAsked();
  AnswerAsked(transaction, planned, FindingOf(*planned.step, MarksOf(planned)), ended);
}

// Deals with smtp_address_verify_target = data. After a 354 only closing the connection keeps a message from being
// sent.
void Session::TakeReplyToData(Transaction& transaction, const Planned& planned) {
  std::unique_ptr<Finding> finding = FindingOf(kDataStep, MarksOf(planned));
  if (heard_.event == Event::kNone && heard_.reply.code_class() == 3) state_ = State::kBroken;
  NoteAsked();
  AnswerAsked(transaction, planned, std::move(finding), false);
}

void Session::NoteAsked() {
  if (heard_.event != Event::kNone) return;
  ++asked_;
  if (heard_.reply.code_class() >= 4 && heard_.reply.code != kShuttingDown) ++refused_;
}

void Session::AnswerAsked(Transaction& transaction, const Planned& planned, std::unique_ptr<Finding> finding,
                          bool ended) {
  const bool of_session = ended || finding->scope == Scope::kSession;
  Answer(transaction, *planned.enquiry, std::move(finding), of_session && (transaction.answered_one || used_));
  transaction.answered_one = true;
}

// Answers with the refusal of MAIL or RSET.
void Session::AnswerRefused(const Transaction& transaction, const Planned& planned) {
  if (planned.enquiry == nullptr || transaction.redo != Redo::kNothing) return;
  Answer(transaction, *planned.enquiry, std::make_unique<Finding>(*mail_refusal_), transaction.mail_again);
}

void Session::AnswerUnanswered(const Transaction& transaction, const Finding& finding) {
  for (Enquiry& enquiry : transaction.batch) {
    if (!enquiry.told) Answer(transaction, enquiry, std::make_unique<Finding>(finding), false);
  }
}

// Answers the rest with `end`: the connection is of no more use since the reply to `last`, so they had no chance.
void Session::AnswerRest(Transaction& transaction, size_t last, std::unique_ptr<Finding> end) {
  const std::vector<Planned>& plan = transaction.plan;
  const bool refused = mail_refusal_ != nullptr;
  if (refused) end = std::move(mail_refusal_);
  // If all was to be tried again, no enquiry has been answered.
  const size_t first = transaction.redo == Redo::kNothing ? last + 1 : 0;
  for (size_t i = first; i < plan.size(); ++i) {
    if (plan[i].enquiry == nullptr) continue;
    Answer(transaction, *plan[i].enquiry, std::make_unique<Finding>(*end), refused ? transaction.mail_again : true);
  }
  transaction.redo = Redo::kNothing;
}

Session::Redo Session::RedoFor(const Reply& reply) {
  if (mail_refusal_->reason == Reason::kTlsRequired && may_use_tls_) return Redo::kInTls;
  if (said_smtputf8_ && (reply.code == 501 || reply.code == 504 || reply.code == 555)) {
    offers_smtputf8_ = false;  // whatever the server said at EHLO
    return Redo::kWithoutSmtputf8;
  }
  return Redo::kNothing;
}

boost::asio::awaitable<CatchAll> Session::AskCatchAll(const Address& random, MonoTime deadline, Dialogue& dialogue) {
  if (state_ != State::kReady || !in_transaction_) co_return CatchAll::kCouldNotTell;
  deadline_ = deadline;
  dialogue_ = &dialogue;
  ArmTimer(settings_->rcpt_timeout);
  PutRcpt(random);
  silent_since_ = loop_.clock().Mono();
  co_await Receive(kRcptStep, /*last=*/true);
  silent_since_ = MonoTime::InfiniteFuture();
  NoteAsked();
  timer_.Cancel();
  dialogue_ = nullptr;
  if (heard_.event != Event::kNone) co_return CatchAll::kCouldNotTell;
  if (heard_.reply.ok()) co_return CatchAll::kYes;
  const std::unique_ptr<Finding> finding = FindingOf(kRcptStep, Marks{.recipient = &random});
  Forget();
  const bool no = finding->deliverability == Deliverability::kUndeliverable && finding->scope == Scope::kAddress;
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
  timer_meaning_ = deadline_ < stage_end ? Event::kDeadline : Event::kTimeout;
  const MonoTime due = std::min(stage_end, deadline_);
  // Mostly the probe's deadline is due, the same at each command.
  if (timer_.set() && due == timer_due_) return;
  timer_due_ = due;
  timer_.SetAt(due, [this] { Expire(timer_meaning_); });
}

// Waits until the armed timer is due, but looks again and again whether others need the slot.
void Session::AwaitGreeting() {
  const MonoTime look = loop_.clock().Mono() + kGreetingPatience;
  if (look >= timer_due_) return timer_.SetAt(timer_due_, [this] { Expire(timer_meaning_); });
  timer_.SetAt(look, [this] {
    if (!others_->pressed()) return AwaitGreeting();
    hurried_ = true;
    Expire(Event::kTimeout);
  });
}

void Session::Expire(Event meaning) {
  expired_ = meaning;
  stream_->Close();
}

bool Session::over() const { return heard_.event != Event::kNone || heard_.reply.code == kShuttingDown; }

void Session::Fail(Event event, absl::string_view detail) {
  state_ = event == Event::kNotSmtp || event == Event::kProtocolError ? State::kUntrusted : State::kBroken;
  heard_ = {.event = event, .detail = std::string(detail)};
}

void Session::Put(absl::string_view command) {
  if (state_ == State::kBroken) return;
  if (!IsOneLine(command)) return Fail(Event::kLocalError, "control character in a command of ours");
  if (dialogue_ != nullptr) dialogue_->Sent(command);
  absl::StrAppend(&outgoing_, command, "\r\n");
}

boost::asio::awaitable<void> Session::Exchange(const Step& step, absl::Duration timeout, absl::string_view command) {
  ArmTimer(timeout);
  if (!command.empty()) Put(command);
  return Receive(step, /*last=*/true);
}

boost::asio::awaitable<void> Session::Receive(const Step& step, bool last) {
  if (state_ == State::kBroken) co_return;  // heard_ says why
  heard_ = {};
  if (!outgoing_.empty()) {
    // A server that refuses and hangs up at once makes this fail; its earlier words can be read all the same.
    (co_await stream_->Write(outgoing_)).IgnoreError();
    outgoing_ = std::string();
  }
  while (!Parse(step)) {
    const absl::StatusOr<size_t> got = co_await stream_->Read(buffer_.data(), buffer_.size());
    if (!got.ok() || *got == 0) co_return Fail(expired_ != Event::kNone ? expired_ : Event::kClosed, "");
    unread_ = absl::string_view(buffer_.data(), *got);
  }
  if (heard_.event != Event::kNone) co_return;
  if (dialogue_ != nullptr) dialogue_->Received(heard_.reply);
  if (last && !unread_.empty() && !absl::StartsWith(unread_, "421")) {
    co_return Fail(Event::kProtocolError, "more than one reply to a command");
  }
  if (heard_.reply.code == kShuttingDown) state_ = State::kRefused;
}

bool Session::Parse(const Step& step) {
  absl::StatusOr<std::optional<Reply>> fed = parser_.Feed(unread_);
  if (!fed.ok()) {
    const bool no_reply = step.stage == Stage::kBanner && absl::IsInvalidArgument(fed.status());
    Fail(no_reply ? Event::kNotSmtp : Event::kProtocolError, fed.status().message());
    return true;
  }
  if (!fed->has_value()) return false;
  heard_.reply = **std::move(fed);
  return true;
}

std::unique_ptr<Finding> Session::RefusalIn(const Step& step) {
  if (heard_.event == Event::kNone && heard_.reply.ok()) {
    // Some servers say in a 220 greeting that they will not take our mail.
    if (step.stage != Stage::kBanner ||
        classifier_->Classify(step.stage, heard_.reply, endpoint().host, Marks{}).reason == Reason::kNone) {
      return nullptr;
    }
    state_ = State::kRefused;
  } else if (heard_.event == Event::kNone && step.stage != Stage::kMail) {
    state_ = State::kRefused;
  }
  return FindingOf(step, Marks{});
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

std::unique_ptr<Finding> Session::FindingOf(const Step& step, const Classification& classified,
                                            absl::string_view text) const {
  auto finding = std::make_unique<Finding>(ToFinding(classified, step.stage, text, loop_.clock().Now()));
  finding->mx_name = endpoint().host;
  finding->mx_address = endpoint().address;
  return finding;
}

std::unique_ptr<Finding> Session::FindingOf(const Step& step, const Marks& marks) const {
  const Reply& reply = heard_.reply;
  if (heard_.event != Event::kNone) {
    return FindingOf(step, Classifier::Classify(heard_.event, step.stage),
                     EventWords(endpoint(), step, heard_.event, heard_.detail));
  }
  if (reply.code_class() == 3 && step.stage != Stage::kData) {
    return FindingOf(step, Classifier::Classify(Event::kProtocolError, step.stage),
                     EventWords(endpoint(), step, Event::kProtocolError, reply.ToLine()));
  }
  std::unique_ptr<Finding> finding =
      FindingOf(step, classifier_->Classify(step.stage, reply, endpoint().host, marks),
                reply.ok() ? reply.ToLine(Finding::kMaxText) : ReplyWords(endpoint(), step, reply));
  finding->code = reply.code;
  finding->enhanced = reply.enhanced;
  return finding;
}

}  // namespace verifyd
