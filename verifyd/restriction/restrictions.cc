#include "verifyd/restriction/restrictions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"
#include "dns/mail_domain.h"
#include "mail/host_name.h"
#include "mail/masked_text.h"
#include "verifyd/restriction/access_table.h"
#include "verifyd/restriction/client.h"

namespace verifyd {
namespace {

// Mailboxes that every domain must have and that must not be refused on a probe's word (RFC 5321 section 4.5.1, RFC
// 2142).
bool IsRequiredMailbox(absl::string_view local) {
  return absl::EqualsIgnoreCase(local, "postmaster") || absl::EqualsIgnoreCase(local, "abuse");
}

// The classifier recognizes these words in the reply to our probe.
Decision OwnProbe() {
  Decision decision;
  decision.kind = DecisionKind::kDefer;
  decision.code = 450;
  decision.dsn = "4.4.6";
  decision.text = "address verification probe loops back to myself";
  return decision;
}

constexpr absl::Duration kLookUpTime = absl::Seconds(10);
constexpr size_t kMaxNamed = 320;  // bytes of a client's words in a reply

bool IsPermitted(RestrictionKind kind, const MailRequest& request, const RestrictionSettings& settings) {
  if (kind == RestrictionKind::kPermitMynetworks) return settings.mynetworks.Contains(request.client_address);
  return kind == RestrictionKind::kPermit || !request.sasl_username.empty();
}

void LogSaid(absl::string_view text, const MailRequest& request) {
  LogInfo(absl::StrCat("restrictions: ", text, ": client_address=", Printable(request.client_address, kMaxNamed),
                       " sender=<", Printable(request.sender, kMaxNamed), "> recipient=<",
                       Printable(request.recipient, kMaxNamed), ">"));
}

Role RoleOf(const Restriction& restriction) {
  return restriction.kind == RestrictionKind::kRejectUnverifiedSender ? Role::kSender : Role::kRecipient;
}

bool LooksInTable(RestrictionKind kind) {
  return kind == RestrictionKind::kCheckClientAccess || kind == RestrictionKind::kCheckHeloAccess ||
         kind == RestrictionKind::kCheckSenderAccess || kind == RestrictionKind::kCheckRecipientAccess;
}

// Returns the domain in lower case, without a final dot; empty where there is none.
std::string DomainOf(absl::string_view address) {
  const size_t at = address.rfind('@');
  if (at == absl::string_view::npos) return "";
  std::string domain = absl::AsciiStrToLower(address.substr(at + 1));
  if (!domain.empty() && domain.back() == '.') domain.pop_back();
  return domain;
}

// True where no server of the domain has greeted us.
bool NoServerReached(Reason reason) {
  return reason == Reason::kConnectRefused || reason == Reason::kConnectTimeout ||
         reason == Reason::kConnectUnreachable || reason == Reason::kConnectReset || reason == Reason::kBannerTimeout;
}

// A backup MX takes mail while the servers that it stands in for are down.
bool StandsInFor(absl::string_view recipient, const Verdict& verdict, const DomainList& domains) {
  const bool down = verdict.state == VerdictState::kKnown && NoServerReached(verdict.finding.reason);
  if (!down || domains.empty()) return false;
  const absl::StatusOr<Address> address = Address::FromUnquoted(recipient);
  return address.ok() && domains.Contains(*address);
}

absl::string_view ContextOf(const MailRequest& request) {
  if (request.context.empty() && !request.sasl_username.empty()) return "submission";
  return request.context;
}

}  // namespace

const Restriction* Evaluation::Next() {
  for (;;) {
    while (!levels_.empty() && levels_.back().next == levels_.back().list->restrictions.size()) levels_.pop_back();
    if (!levels_.empty()) return &levels_.back().list->restrictions[levels_.back().next++];
    while (list_ < lists_.size() && lists_[list_] == nullptr) ++list_;
    if (list_ == lists_.size()) return nullptr;
    levels_.push_back({.list = lists_[list_++]});
  }
}

void Evaluation::Enter(std::shared_ptr<const RestrictionList> list, const Restriction& by) {
  const bool warn = by.warn_if_reject || levels_.back().warn_if_reject;
  const RestrictionKind from = by.kind == RestrictionKind::kClass ? levels_.back().from : by.kind;
  const RestrictionList* const entered = list.get();
  levels_.push_back({.list = entered, .kept = std::move(list), .warn_if_reject = warn, .from = from});
}

std::optional<Question> Restrictions::QuestionFor(const Restriction& restriction, const Evaluation& evaluation,
                                                  absl::string_view& why_not) const {
  const MailRequest& request = evaluation.request_;
  const RestrictionSettings& settings = *evaluation.settings_;
  const Role role = RoleOf(restriction);
  const absl::string_view text = role == Role::kRecipient ? request.recipient : request.sender;
  if (text.empty()) {
    why_not = role == Role::kRecipient ? "no_recipient" : "null_sender";
    return std::nullopt;
  }
  Question question;
  absl::StatusOr<Address> address = Address::FromUnquoted(text);
  if (!address.ok()) {
    // A malformed sender is left to the MTA's own syntax checks. A malformed recipient is not: the server behind us
    // could refuse it only once the mail is there.
    why_not = "no_address";
    if (role == Role::kSender) return std::nullopt;
    question.no_address = std::string(address.status().message());
    address = Address::DomainOf(text);
    if (!address.ok()) return std::nullopt;
  }
  why_not = "required_mailbox";
  if (IsRequiredMailbox(address->local())) return std::nullopt;
  why_not = "probe_sender";
  if (settings.probe_sender.IsOurs(text, verifier_.clock().Now())) return std::nullopt;
  why_not = "exempt_sender";
  if (role == Role::kSender && settings.sender_exemptions.Contain(*address)) return std::nullopt;
  // An operator who puts the restriction into a table has chosen whom to ask about.
  const bool chosen = LooksInTable(evaluation.levels_.back().from);
  question.any_domain =
      settings.any_domain || chosen ||
      (role == Role::kSender ? settings.sender_domains.Contains(*address)
                             : evaluation.context_ == "submission" && settings.submission_domains.Contains(*address));
  question.address = *std::move(address);
  question.role = role;
  question.patience = request.stress.empty() ? settings.patience : settings.stress_patience;
  question.memory_only = evaluation.memory_only_;
  question.wants_catch_all = CatchAllMatters(
      UseFor(role, evaluation), (role == Role::kRecipient ? settings.recipient : settings.sender).decisions);
  return question;
}

Use Restrictions::UseFor(Role role, const Evaluation& evaluation) {
  if (role == Role::kSender) return Use::kSender;
  return evaluation.context_ == "submission" ? Use::kOutbound : Use::kInbound;
}

// A 450 without end amounts to a refusal.
bool Restrictions::DeferredLongEnough(const Verdict& verdict, Role role, const RestrictionSettings& settings) const {
  return role == Role::kRecipient && settings.max_defer > absl::ZeroDuration() &&
         verdict.deliverability() == Deliverability::kUnknown && verdict.deferred_since != absl::InfiniteFuture() &&
         verifier_.clock().Now() - verdict.deferred_since > settings.max_defer;
}

void Restrictions::SayLetThrough(absl::string_view recipient, const Verdict& verdict) {
  LogWarning(absl::StrCat("<", Printable(recipient, kMaxNamed),
                          "> is let through, though nothing definite is known of it: it has been deferred since ",
                          absl::FormatTime("%Y-%m-%d %H:%M:%S", verdict.deferred_since, absl::LocalTimeZone()), " (",
                          LoggedReply(verdict.finding.text, recipient), ")"));
}

// Takes a refusal into the ruling, subject to warn_if_reject, a dry run and the deferrals that wait.
Restrictions::Step Restrictions::Refuse(Evaluation& evaluation, const Restriction& restriction,
                                        Decision decision) const {
  Ruling& ruling = evaluation.ruling_;
  const Evaluation::Level& level = evaluation.levels_.back();
  // Words out of a table get the table's name; a restriction that stands in a table keeps its own.
  const bool words = restriction.kind == RestrictionKind::kReject || restriction.kind == RestrictionKind::kDefer ||
                     restriction.kind == RestrictionKind::kDeferIfPermit;
  const absl::string_view name =
      RestrictionName(words && level.from != RestrictionKind::kClass ? level.from : restriction.kind);
  if (ruling.dry_run || restriction.warn_if_reject || level.warn_if_reject) {
    if (!ruling.warning.has_value()) {
      ruling.warning = std::move(decision);
      ruling.restriction = name;
    }
    return Step::kGoOn;
  }
  if (decision.kind == DecisionKind::kDeferIfPermit) {
    if (!evaluation.if_permit_.has_value()) {
      evaluation.if_permit_ = std::move(decision);
      evaluation.if_permit_restriction_ = name;
    }
    return Step::kGoOn;
  }
  // The unknown part may turn out well later, and the refusal would have been wrong (DEFER_IF_REJECT of access(5)).
  const bool put_off = decision.kind == DecisionKind::kReject && evaluation.if_reject_.has_value();
  ruling.decision = put_off ? *std::move(evaluation.if_reject_) : std::move(decision);
  ruling.restriction = name;
  return Step::kSettled;
}

// Takes a verdict into the ruling.
Restrictions::Step Restrictions::Settle(Evaluation& evaluation, const Restriction& restriction, Verdict verdict) const {
  const RestrictionSettings& settings = *evaluation.settings_;
  Ruling& ruling = evaluation.ruling_;
  const bool recipient = RoleOf(restriction) == Role::kRecipient;
  const Use use = UseFor(RoleOf(restriction), evaluation);
  Decision decision = DecideOnVerdict(verdict, use, recipient ? settings.recipient : settings.sender);
  if (decision.refuses() && DeferredLongEnough(verdict, RoleOf(restriction), settings)) {
    if (!evaluation.rehearsal_) SayLetThrough(evaluation.request_.recipient, verdict);
    decision = Decision();
  }
  if (use == Use::kInbound && StandsInFor(evaluation.request_.recipient, verdict, settings.backup_mx_domains)) {
    decision = Decision();
  }
  const bool first_refusal = decision.refuses() && !ruling.warning.has_value() && !evaluation.if_permit_.has_value();
  if (first_refusal || !ruling.verdict.has_value()) {
    ruling.verdict = std::move(verdict);
    ruling.verdict_on = RoleOf(restriction);
  }
  return decision.refuses() ? Refuse(evaluation, restriction, std::move(decision)) : Step::kGoOn;
}

// Uses the words of smtpd(8). It puts the recipient (at MAIL the sender) before the words of a policy service, so only
// another subject is named here.
Decision Restrictions::Refusal(const Evaluation& evaluation, Subject subject, int code, absl::string_view dsn,
                               absl::string_view text) const {
  const MailRequest& request = evaluation.request_;
  Decision decision;
  decision.kind = code / 100 == 4 ? DecisionKind::kDefer : DecisionKind::kReject;
  decision.code = code;
  // The first digit is the code's (smtpd_check_reject).
  decision.dsn = absl::StrCat(code / 100, dsn.substr(1));
  const bool at_mail = request.protocol_state == "MAIL";
  switch (subject) {
    case Subject::kClient:
      decision.text =
          absl::StrCat("<", Printable(request.client_name.empty() ? "unknown" : request.client_name, kMaxNamed), "[",
                       Printable(request.client_address, kMaxNamed), "]>: Client host rejected: ");
      break;
    case Subject::kHelo:
      decision.text = absl::StrCat("<", Printable(request.helo_name, kMaxNamed), ">: Helo command rejected: ");
      break;
    case Subject::kSender:
      if (!at_mail) {
        decision.text = absl::StrCat("<", Printable(request.sender, kMaxNamed), ">: Sender address rejected: ");
      }
      break;
    case Subject::kRecipient:
      break;
  }
  absl::StrAppend(&decision.text, text);
  return decision;
}

Restrictions::Step Restrictions::TakeSaid(Evaluation& evaluation, const Restriction& restriction) {
  const RestrictionCodes& codes = evaluation.settings_->codes;
  const Decision& said = restriction.said;
  const bool in_table = !said.text.empty();
  int code = said.code;
  absl::string_view dsn = said.dsn;
  absl::string_view text = said.text;
  if (restriction.kind == RestrictionKind::kReject) {
    if (code == 0) code = in_table ? codes.access_map_reject : codes.reject;
    if (dsn.empty()) dsn = "5.7.1";
    if (text.empty()) text = "Access denied";
  } else {
    if (code == 0) code = in_table ? codes.access_map_defer : codes.defer;
    const bool now = restriction.kind == RestrictionKind::kDefer;
    if (dsn.empty()) dsn = now ? "4.3.2" : "4.7.0";
    if (text.empty()) {
      text = now                                                   ? "Try again later"
             : restriction.kind == RestrictionKind::kDeferIfPermit ? "defer_if_permit requested"
                                                                   : "defer_if_reject requested";
    }
  }
  const RestrictionKind from = evaluation.levels_.back().from;
  const bool in_senders_list = from == RestrictionKind::kClass &&
                               evaluation.levels_.front().list == evaluation.settings_->sender_restrictions.get();
  const Subject subject = from == RestrictionKind::kCheckClientAccess   ? Subject::kClient
                          : from == RestrictionKind::kCheckHeloAccess   ? Subject::kHelo
                          : from == RestrictionKind::kCheckSenderAccess ? Subject::kSender
                          : in_senders_list                             ? Subject::kSender
                                                                        : Subject::kRecipient;
  Decision decision = Refusal(evaluation, subject, code, dsn, text);
  if (restriction.kind == RestrictionKind::kDeferIfReject) {
    if (!evaluation.if_reject_.has_value()) evaluation.if_reject_ = std::move(decision);
    return Step::kGoOn;
  }
  if (restriction.kind == RestrictionKind::kDeferIfPermit) decision.kind = DecisionKind::kDeferIfPermit;
  return Refuse(evaluation, restriction, std::move(decision));
}

Restrictions::Step Restrictions::CheckAccess(Evaluation& evaluation, const Restriction& restriction) {
  const MailRequest& request = evaluation.request_;
  AccessTable::Value value;
  switch (restriction.kind) {
    case RestrictionKind::kCheckClientAccess:
      value = restriction.table->FindClient(request.client_name, request.client_address);
      break;
    case RestrictionKind::kCheckHeloAccess:
      if (!request.helo_name.empty()) value = restriction.table->FindDomain(request.helo_name);
      break;
    case RestrictionKind::kCheckSenderAccess:
      value = restriction.table->FindAddress(request.sender);
      break;
    default:
      if (!request.recipient.empty()) value = restriction.table->FindAddress(request.recipient);
      break;
  }
  if (value != nullptr) evaluation.Enter(std::move(value), restriction);
  return Step::kGoOn;
}

Restrictions::Step Restrictions::CheckSyntax(Evaluation& evaluation, const Restriction& restriction) {
  const MailRequest& request = evaluation.request_;
  const RestrictionCodes& codes = evaluation.settings_->codes;
  const absl::string_view helo = request.helo_name;
  const auto refuse = [&](Subject subject, int code, absl::string_view text) {
    return Refuse(evaluation, restriction, Refusal(evaluation, subject, code, "5.5.2", text));
  };
  switch (restriction.kind) {
    case RestrictionKind::kRejectInvalidHeloHostname:
      if (helo.empty() || IsIpAddress(helo)) return Step::kGoOn;  // an address without brackets passes in Postfix, too
      if (helo.front() == '[' ? IsAddressLiteral(helo) : IsHostName(helo)) return Step::kGoOn;
      return refuse(Subject::kHelo, codes.invalid_hostname_reject,
                    helo.front() == '[' ? "invalid ip address" : "Invalid name");
    case RestrictionKind::kRejectNonFqdnHeloHostname:
      if (helo.empty() || helo.front() == '[' || IsFullyQualified(helo)) return Step::kGoOn;
      return refuse(Subject::kHelo, codes.non_fqdn_reject, "need fully-qualified hostname");
    default:
      break;
  }
  const bool of_sender = restriction.kind == RestrictionKind::kRejectNonFqdnSender;
  const absl::string_view address = of_sender ? request.sender : request.recipient;
  const std::string domain = DomainOf(address);
  const bool literal = !domain.empty() && domain.front() == '[' && domain.back() == ']';
  if (address.empty() || literal || IsFullyQualified(domain)) return Step::kGoOn;
  return refuse(of_sender ? Subject::kSender : Subject::kRecipient, codes.non_fqdn_reject,
                "need fully-qualified address");
}

Restrictions::Step Restrictions::CheckDisposable(Evaluation& evaluation, const Restriction& restriction) {
  const bool of_sender = restriction.kind == RestrictionKind::kRejectDisposableSender;
  const MailRequest& request = evaluation.request_;
  if (!evaluation.settings_->disposable.Contains(DomainOf(of_sender ? request.sender : request.recipient))) {
    return Step::kGoOn;
  }
  return Refuse(
      evaluation, restriction,
      Refusal(evaluation, of_sender ? Subject::kSender : Subject::kRecipient,
              evaluation.settings_->codes.access_map_reject, "5.7.1", "Disposable addresses are not accepted"));
}

Restrictions::Step Restrictions::CheckRate(Evaluation& evaluation, const Restriction& restriction) {
  if (evaluation.rehearsal_) return Step::kGoOn;
  const MailRequest& request = evaluation.request_;
  std::string domain;
  absl::string_view who;
  switch (restriction.rate->key) {
    case RateKey::kSaslUsername:
      who = request.sasl_username;
      break;
    case RateKey::kClientAddress:
      who = request.client_address;
      break;
    case RateKey::kSenderDomain:
      who = domain = DomainOf(request.sender);
      break;
    case RateKey::kRecipientDomain:
      who = domain = DomainOf(request.recipient);
      break;
  }
  if (!who.empty() && rate_counter_.Exceeds(*restriction.rate, who)) {
    evaluation.Enter(restriction.rate->action, restriction);
  }
  return Step::kGoOn;
}

Restrictions::Step Restrictions::AskVerifier(Evaluation& evaluation, const Restriction& restriction) {
  absl::string_view why_not;
  std::optional<Question> question = QuestionFor(restriction, evaluation, why_not);
  if (!question.has_value()) {
    evaluation.ruling_.not_asked = why_not;
    return Step::kGoOn;
  }
  Held held = verifier_.Find(question->address);
  std::optional<Verdict> verdict = verifier_.Recall(*question, held);
  const bool unknown = !verdict.has_value() || (evaluation.rehearsal_ && verdict->state == VerdictState::kNotCached);
  if (!unknown) return Settle(evaluation, restriction, *std::move(verdict));
  question->asker = AskerOf(evaluation.request_);
  evaluation.waits_for_ = std::move(question);
  evaluation.held_ = std::make_unique<const Held>(std::move(held));
  evaluation.asking_ = &restriction;
  return Step::kWait;
}

Restrictions::Step Restrictions::AskNames(Evaluation& evaluation, const Restriction& restriction) {
  if (evaluation.memory_only_) return Step::kGoOn;
  evaluation.waits_for_names_ = true;
  evaluation.asking_ = &restriction;
  return Step::kWait;
}

Restrictions::Step Restrictions::Take(Evaluation& evaluation, const Restriction& restriction) {
  using Kind = RestrictionKind;
  switch (restriction.kind) {
    case Kind::kPermit:
    case Kind::kPermitMynetworks:
    case Kind::kPermitSaslAuthenticated:
      return IsPermitted(restriction.kind, evaluation.request_, *evaluation.settings_) ? Step::kPermit : Step::kGoOn;
    case Kind::kDunno:
      return Step::kGoOn;
    case Kind::kReject:
    case Kind::kDefer:
    case Kind::kDeferIfPermit:
    case Kind::kDeferIfReject:
      return TakeSaid(evaluation, restriction);
    case Kind::kCheckClientAccess:
    case Kind::kCheckHeloAccess:
    case Kind::kCheckSenderAccess:
    case Kind::kCheckRecipientAccess:
      return CheckAccess(evaluation, restriction);
    case Kind::kRejectInvalidHeloHostname:
    case Kind::kRejectNonFqdnHeloHostname:
    case Kind::kRejectNonFqdnSender:
    case Kind::kRejectNonFqdnRecipient:
      return CheckSyntax(evaluation, restriction);
    case Kind::kRejectUnknownSenderDomain:
    case Kind::kRejectUnknownRecipientDomain:
    case Kind::kRejectRblClient:
      return AskNames(evaluation, restriction);
    case Kind::kRejectDisposableSender:
    case Kind::kRejectDisposableRecipient:
      return CheckDisposable(evaluation, restriction);
    case Kind::kRejectUnverifiedSender:
    case Kind::kRejectUnverifiedRecipient:
      return AskVerifier(evaluation, restriction);
    case Kind::kRateLimit:
      return CheckRate(evaluation, restriction);
    case Kind::kClass:
      evaluation.Enter(restriction.list, restriction);
      return Step::kGoOn;
    case Kind::kAction:
      if (evaluation.ruling_.action.empty() && !evaluation.ruling_.dry_run) {
        evaluation.ruling_.action = restriction.said.text;
      }
      return Step::kGoOn;
    case Kind::kLog:
      if (!evaluation.rehearsal_) LogSaid(restriction.said.text, evaluation.request_);
      return Step::kGoOn;
  }
  return Step::kGoOn;
}

// Goes on until something has to be waited for.
void Restrictions::Advance(Evaluation& evaluation) {
  while (const Restriction* restriction = evaluation.Next()) {
    switch (Take(evaluation, *restriction)) {
      case Step::kGoOn:
        break;
      case Step::kPermit:
        evaluation.EndList();
        break;
      case Step::kWait:
      case Step::kSettled:
        return;
    }
  }
  if (!evaluation.if_permit_.has_value()) return;
  evaluation.ruling_.decision = *std::move(evaluation.if_permit_);
  evaluation.ruling_.restriction = evaluation.if_permit_restriction_;
}

// True for a probe of ours that has come back: the MX, or a host behind it, hands mail to this gateway. Without this
// check the probe would wait for its own answer.
bool Restrictions::IsOurOwnProbe(const MailRequest& request) const {
  if (request.recipient.empty() || request.sender.empty() ||
      !settings_->probe_sender.IsOurs(request.sender, verifier_.clock().Now())) {
    return false;
  }
  const absl::StatusOr<Address> recipient = Address::FromUnquoted(request.recipient);
  return recipient.ok() && verifier_.Probing(*recipient);
}

bool Restrictions::IsDryRun(const MailRequest& request) const {
  if (settings_->dry_run || request.context == "dry_run") return true;
  if (!request.context.empty() && settings_->dry_run_contexts.contains(request.context)) return true;
  if (settings_->dry_run_domains.empty()) return false;
  const absl::string_view address = request.recipient.empty() ? request.sender : request.recipient;
  absl::StatusOr<Address> parsed = Address::FromUnquoted(address);
  if (!parsed.ok()) parsed = Address::DomainOf(address);
  return parsed.ok() && settings_->dry_run_domains.Contains(*parsed);
}

Evaluation Restrictions::Begin(const MailRequest& request, bool memory_only) {
  return Begin(request, memory_only, /*rehearsal=*/false);
}

Evaluation Restrictions::Rehearse(const MailRequest& request) {
  return Begin(request, /*memory_only=*/true, /*rehearsal=*/true);
}

Evaluation Restrictions::Begin(const MailRequest& request, bool memory_only, bool rehearsal) {
  Evaluation evaluation;
  evaluation.rehearsal_ = rehearsal;
  evaluation.settings_ = settings_;
  evaluation.request_ = request;
  evaluation.context_ = ContextOf(request);
  evaluation.memory_only_ = memory_only;
  evaluation.ruling_.dry_run = IsDryRun(request);
  const bool at_rcpt = request.protocol_state == "RCPT";
  const absl::string_view context = evaluation.context_;
  if (const auto named = settings_->classes.find(context); named != settings_->classes.end()) {
    evaluation.lists_[0] = named->second.get();
  } else {
    if ((at_rcpt && context != "recipient") || request.protocol_state == "MAIL") {
      evaluation.lists_[0] = settings_->sender_restrictions.get();
    }
    if ((at_rcpt && context != "sender") || request.protocol_state == "VRFY") {
      evaluation.lists_[1] = settings_->recipient_restrictions.get();
    }
  }
  if (IsOurOwnProbe(request)) {
    evaluation.ruling_.decision = OwnProbe();
    return evaluation;
  }
  Advance(evaluation);
  return evaluation;
}

// Nothing runs between this and the verifier's own look at the probes under way, so the count is exact.
bool Restrictions::MayProbe(const Address& address, const Evaluation& evaluation) {
  const MailRequest& request = evaluation.request_;
  return verifier_.Probing(address) ||
         probe_budget_.Take(request.client_address, request.instance, evaluation.settings_->probe_budget);
}

// Asks whether the domain could take an answer (reject_unknown_sender_domain in postconf(5)).
boost::asio::awaitable<Restrictions::Step> Restrictions::LookUpDomain(Evaluation& evaluation,
                                                                      const Restriction& restriction) {
  const bool of_sender = restriction.kind == RestrictionKind::kRejectUnknownSenderDomain;
  const RestrictionSettings& settings = *evaluation.settings_;
  const std::string domain = DomainOf(of_sender ? evaluation.request_.sender : evaluation.request_.recipient);
  const bool ours = std::any_of(settings.final_domains.begin(), settings.final_domains.end(),
                                [&](const DomainList& list) { return list.ContainsExactly(domain); });
  if (ours || !IsHostName(domain)) co_return Step::kGoOn;
  const MailDomain found = co_await LookUpMailDomain(resolver_, domain, verifier_.clock().Mono() + kLookUpTime);
  const Subject subject = of_sender ? Subject::kSender : Subject::kRecipient;
  const absl::string_view dsn = of_sender ? "5.1.8" : "5.1.2";
  Decision decision;
  switch (found) {
    case MailDomain::kExists:
      co_return Step::kGoOn;
    case MailDomain::kNullMx:
      decision = Refusal(evaluation, subject, of_sender ? 550 : 556, of_sender ? "5.7.27" : "5.1.10",
                         absl::StrCat("Domain ", domain, " does not accept mail (nullMX)"));
      break;
    case MailDomain::kNone:
      decision = Refusal(evaluation, subject, settings.codes.unknown_address_reject, dsn, "Domain not found");
      break;
    case MailDomain::kMalformed:
      decision = Refusal(evaluation, subject, settings.codes.unknown_address_reject, dsn, "Malformed DNS server reply");
      break;
    case MailDomain::kTemporary:
      decision = Refusal(evaluation, subject, 450, dsn, "Domain not found");
      decision.kind = DecisionKind::kDeferIfPermit;
      break;
  }
  co_return Refuse(evaluation, restriction, std::move(decision));
}

// Uses Postfix's words (default_rbl_reply). A blocklist that does not answer lists nobody.
boost::asio::awaitable<Restrictions::Step> Restrictions::LookUpClient(Evaluation& evaluation,
                                                                      const Restriction& restriction) {
  const Blocklist& blocklist = *restriction.blocklist;
  const MonoTime deadline = verifier_.clock().Mono() + kLookUpTime;
  const std::string name = blocklist.NameOf(evaluation.request_.client_address);
  if (name.empty()) co_return Step::kGoOn;
  const std::shared_ptr<const DnsAnswer> answer = co_await resolver_.Query(name, DnsType::kA, deadline);
  if (answer->status != DnsStatus::kOk) co_return Step::kGoOn;
  const bool listed = std::any_of(answer->addresses.begin(), answer->addresses.end(),
                                  [&](const std::string& reply) { return blocklist.Lists(reply); });
  if (!listed) co_return Step::kGoOn;
  const std::shared_ptr<const DnsAnswer> why = co_await resolver_.Query(name, DnsType::kTxt, deadline);
  std::string text =
      absl::StrCat("Service unavailable; Client host [", Printable(evaluation.request_.client_address, kMaxNamed),
                   "] blocked using ", blocklist.zone);
  if (!why->texts.empty()) absl::StrAppend(&text, "; ", Printable(why->texts.front(), Finding::kMaxText));
  Decision decision =
      Refusal(evaluation, Subject::kRecipient, evaluation.settings_->codes.maps_rbl_reject, "5.7.1", text);
  co_return Refuse(evaluation, restriction, std::move(decision));
}

boost::asio::awaitable<Restrictions::Step> Restrictions::LookUp(Evaluation& evaluation,
                                                                const Restriction& restriction) {
  return restriction.kind == RestrictionKind::kRejectRblClient ? LookUpClient(evaluation, restriction)
                                                               : LookUpDomain(evaluation, restriction);
}

boost::asio::awaitable<Ruling> Restrictions::Finish(Evaluation evaluation) {
  while (!evaluation.settled()) {
    Step step = Step::kGoOn;
    if (std::exchange(evaluation.waits_for_names_, false)) {
      step = co_await LookUp(evaluation, *evaluation.asking_);
    } else {
      Question question = *std::exchange(evaluation.waits_for_, std::nullopt);
      question.memory_only = !MayProbe(question.address, evaluation);
      Verdict verdict = co_await verifier_.Verify(std::move(question), std::move(evaluation.held_));
      step = Settle(evaluation, *evaluation.asking_, std::move(verdict));
    }
    if (step == Step::kSettled) break;
    Advance(evaluation);
  }
  co_return std::move(evaluation.ruling_);
}

}  // namespace verifyd
