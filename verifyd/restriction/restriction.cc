#include "verifyd/restriction/restriction.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/text.h"

namespace verifyd {
namespace {

// Mailboxes that every domain must have and that must not be refused on a probe's word (RFC 5321 section 4.5.1, RFC
// 2142).
bool IsRequiredMailbox(absl::string_view local) {
  return absl::EqualsIgnoreCase(local, "postmaster") || absl::EqualsIgnoreCase(local, "abuse");
}

// The classifier knows these words again, in the reply that our probe gets.
Decision OwnProbe() {
  Decision decision;
  decision.kind = DecisionKind::kDefer;
  decision.code = 450;
  decision.dsn = "4.4.6";
  decision.text = "address verification probe loops back to myself";
  return decision;
}

}  // namespace

absl::StatusOr<std::vector<Restriction>> ParseRestrictions(const std::vector<std::string>& items) {
  std::vector<Restriction> restrictions;
  bool warn = false;
  for (const std::string& item : items) {
    Restriction restriction;
    if (absl::EqualsIgnoreCase(item, "warn_if_reject")) {
      warn = true;
      continue;
    }
    if (absl::EqualsIgnoreCase(item, "reject_unverified_recipient")) {
      restriction.role = Role::kRecipient;
    } else if (absl::EqualsIgnoreCase(item, "reject_unverified_sender")) {
      restriction.role = Role::kSender;
    } else {
      return absl::InvalidArgumentError(absl::StrCat("unknown restriction \"", Printable(item, 80),
                                                     "\", expected reject_unverified_recipient or "
                                                     "reject_unverified_sender, with warn_if_reject before it or not"));
    }
    restriction.warn_if_reject = std::exchange(warn, false);
    restrictions.push_back(restriction);
  }
  if (warn) return absl::InvalidArgumentError("warn_if_reject stands last; expected a restriction behind it");
  return restrictions;
}

const Restriction* Evaluation::Next() {
  for (; list_ < lists_.size(); ++list_, position_ = 0) {
    if (lists_[list_] != nullptr && position_ < lists_[list_]->size()) return &(*lists_[list_])[position_++];
  }
  return nullptr;
}

std::optional<Question> Restrictions::QuestionFor(const Restriction& restriction, const Evaluation& evaluation) const {
  const MailRequest& request = evaluation.request_;
  const RestrictionSettings& settings = *evaluation.settings_;
  const absl::string_view text = restriction.role == Role::kRecipient ? request.recipient : request.sender;
  if (text.empty()) return std::nullopt;
  absl::StatusOr<Address> address = Address::FromUnquoted(text);
  // What is no address is for the MTA's own syntax checks; here it is not known to be bad.
  if (!address.ok()) return std::nullopt;
  if (IsRequiredMailbox(address->local())) return std::nullopt;
  if (settings.probe_sender.IsOurs(text, verifier_.clock().Now())) return std::nullopt;
  Question question;
  question.address = *std::move(address);
  question.role = restriction.role;
  question.patience = request.stress.empty() ? settings.patience : settings.stress_patience;
  question.memory_only = evaluation.memory_only_;
  question.any_domain = settings.any_domain;
  return question;
}

// A 450 without end is a refusal.
bool Restrictions::DeferredLongEnough(const Verdict& verdict, Role role, const RestrictionSettings& settings) const {
  return role == Role::kRecipient && settings.max_defer > absl::ZeroDuration() &&
         verdict.deliverability() == Deliverability::kUnknown && verdict.deferred_since != absl::InfiniteFuture() &&
         verifier_.clock().Now() - verdict.deferred_since > settings.max_defer;
}

// Takes a verdict into the ruling; true where nothing behind it can change it.
bool Restrictions::Settles(Evaluation& evaluation, const Restriction& restriction, Verdict verdict) const {
  const RestrictionSettings& settings = *evaluation.settings_;
  Ruling& ruling = evaluation.ruling_;
  const bool recipient = restriction.role == Role::kRecipient;
  const Use use = !recipient                                    ? Use::kSender
                  : evaluation.request_.context == "submission" ? Use::kOutbound
                                                                : Use::kInbound;
  Decision decision = DecideOnVerdict(verdict, use, recipient ? settings.recipient : settings.sender);
  if (decision.refuses() && DeferredLongEnough(verdict, restriction.role, settings)) {
    LogWarning(absl::StrCat("<", Printable(evaluation.request_.recipient, 320),
                            "> is let through, though nothing definite is known of it: it has been deferred since ",
                            absl::FormatTime("%Y-%m-%d %H:%M:%S", verdict.deferred_since, absl::LocalTimeZone()), " (",
                            verdict.finding.text, ")"));
    decision = Decision();
  }
  const bool first_refusal = decision.refuses() && !ruling.warning.has_value() && !evaluation.if_permit_.has_value();
  if (first_refusal || !ruling.verdict.has_value()) ruling.verdict = std::move(verdict);
  if (!decision.refuses()) return false;
  if (ruling.dry_run || restriction.warn_if_reject) {
    if (!ruling.warning.has_value()) ruling.warning = std::move(decision);
    return false;
  }
  if (decision.kind == DecisionKind::kDeferIfPermit) {
    if (!evaluation.if_permit_.has_value()) evaluation.if_permit_ = std::move(decision);
    return false;
  }
  ruling.decision = std::move(decision);
  return true;
}

void Restrictions::Advance(Evaluation& evaluation) {
  while (const Restriction* restriction = evaluation.Next()) {
    std::optional<Question> question = QuestionFor(*restriction, evaluation);
    if (!question.has_value()) continue;
    std::optional<Verdict> verdict = verifier_.Recall(*question);
    if (!verdict.has_value()) {
      evaluation.waits_for_ = std::move(question);
      evaluation.asking_ = restriction;
      return;
    }
    if (Settles(evaluation, *restriction, *std::move(verdict))) return;
  }
  if (evaluation.if_permit_.has_value()) evaluation.ruling_.decision = *std::move(evaluation.if_permit_);
}

// A probe of ours that has come back to us: the MX, or what stands behind it, hands mail to this gateway. Without this
// it would wait for its own answer.
bool Restrictions::IsOurOwnProbe(const MailRequest& request) const {
  if (request.recipient.empty() || request.sender.empty() ||
      !settings_->probe_sender.IsOurs(request.sender, verifier_.clock().Now())) {
    return false;
  }
  const absl::StatusOr<Address> recipient = Address::FromUnquoted(request.recipient);
  return recipient.ok() && verifier_.Probing(*recipient);
}

Evaluation Restrictions::Begin(const MailRequest& request, bool memory_only) {
  Evaluation evaluation;
  evaluation.settings_ = settings_;
  evaluation.request_ = request;
  evaluation.memory_only_ = memory_only;
  evaluation.ruling_.dry_run = settings_->dry_run || request.context == "dry_run";
  const bool at_rcpt = request.protocol_state == "RCPT";
  if ((at_rcpt && request.context != "recipient") || request.protocol_state == "MAIL") {
    evaluation.lists_[0] = &settings_->sender_restrictions;
  }
  if ((at_rcpt && request.context != "sender") || request.protocol_state == "VRFY") {
    evaluation.lists_[1] = &settings_->recipient_restrictions;
  }
  if (IsOurOwnProbe(request)) {
    evaluation.ruling_.decision = OwnProbe();
    return evaluation;
  }
  Advance(evaluation);
  return evaluation;
}

// Nothing happens between this and the verifier's own look at what is in the air, so the count is exact.
bool Restrictions::MayProbe(const Address& address, const Evaluation& evaluation) {
  const MailRequest& request = evaluation.request_;
  return verifier_.Probing(address) ||
         probe_budget_.Take(request.client_address, request.instance, evaluation.settings_->probe_budget);
}

boost::asio::awaitable<Ruling> Restrictions::Finish(Evaluation evaluation) {
  while (!evaluation.settled()) {
    Question question = *std::move(evaluation.waits_for_);
    evaluation.waits_for_.reset();
    question.memory_only = !MayProbe(question.address, evaluation);
    Verdict verdict = co_await verifier_.Verify(std::move(question));
    if (Settles(evaluation, *evaluation.asking_, std::move(verdict))) break;
    Advance(evaluation);
  }
  co_return std::move(evaluation.ruling_);
}

}  // namespace verifyd
