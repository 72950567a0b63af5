#include "verifyd/restriction/restriction.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"

namespace verifyd {
namespace {

// Mailboxes that every domain must have and that must not be refused on a probe's word (RFC 5321 section 4.5.1, RFC
// 2142).
bool IsRequiredMailbox(absl::string_view local) {
  return absl::EqualsIgnoreCase(local, "postmaster") || absl::EqualsIgnoreCase(local, "abuse");
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

// One request's way through the lists.
struct Restrictions::Pass {
  std::shared_ptr<const RestrictionSettings> settings;
  bool memory_only = false;
  bool dry_run = false;
  Ruling ruling;
  std::optional<Decision> if_permit;
};

std::optional<Question> Restrictions::QuestionFor(const Restriction& restriction, const MailRequest& request,
                                                  bool memory_only) const {
  const absl::string_view text = restriction.role == Role::kRecipient ? request.recipient : request.sender;
  if (text.empty()) return std::nullopt;
  absl::StatusOr<Address> address = Address::FromUnquoted(text);
  // What is no address is for the MTA's own syntax checks; here it is not known to be bad.
  if (!address.ok()) return std::nullopt;
  if (IsRequiredMailbox(address->local())) return std::nullopt;
  if (settings_->probe_sender.IsOurs(text, verifier_.clock().Now())) return std::nullopt;
  Question question;
  question.address = *std::move(address);
  question.role = restriction.role;
  question.patience = request.stress.empty() ? settings_->patience : settings_->stress_patience;
  question.memory_only = memory_only;
  return question;
}

boost::asio::awaitable<bool> Restrictions::Apply(const std::vector<Restriction>& list, const MailRequest& request,
                                                 Pass& pass) {
  for (const Restriction& restriction : list) {
    std::optional<Question> question = QuestionFor(restriction, request, pass.memory_only);
    if (!question.has_value()) continue;
    // Memory answers nearly always; only what must wait pays for a coroutine.
    std::optional<Verdict> verdict = verifier_.Recall(*question);
    if (!verdict.has_value()) verdict = co_await verifier_.Verify(*std::move(question));
    Decision decision =
        DecideOnVerdict(*verdict, restriction.role,
                        restriction.role == Role::kRecipient ? pass.settings->recipient : pass.settings->sender);
    const bool first_refusal = decision.refuses() && !pass.ruling.warning.has_value() && !pass.if_permit.has_value();
    if (first_refusal || !pass.ruling.verdict.has_value()) pass.ruling.verdict = std::move(verdict);
    if (!decision.refuses()) continue;
    if (pass.dry_run || restriction.warn_if_reject) {
      if (!pass.ruling.warning.has_value()) pass.ruling.warning = std::move(decision);
    } else if (decision.kind == DecisionKind::kDeferIfPermit) {
      if (!pass.if_permit.has_value()) pass.if_permit = std::move(decision);
    } else {
      pass.ruling.decision = std::move(decision);
      co_return true;
    }
  }
  co_return false;
}

boost::asio::awaitable<Ruling> Restrictions::Evaluate(MailRequest request, bool memory_only) {
  Pass pass;
  pass.settings = settings_;
  pass.memory_only = memory_only;
  pass.dry_run = settings_->dry_run || request.context == "dry_run";
  pass.ruling.dry_run = pass.dry_run;
  const bool at_rcpt = request.protocol_state == "RCPT";
  const bool sender_list = (at_rcpt && request.context != "recipient") || request.protocol_state == "MAIL";
  const bool recipient_list = (at_rcpt && request.context != "sender") || request.protocol_state == "VRFY";
  bool decided = false;
  if (sender_list) decided = co_await Apply(pass.settings->sender_restrictions, request, pass);
  if (recipient_list && !decided) decided = co_await Apply(pass.settings->recipient_restrictions, request, pass);
  if (!decided && pass.if_permit.has_value()) pass.ruling.decision = *std::move(pass.if_permit);
  co_return std::move(pass.ruling);
}

}  // namespace verifyd
