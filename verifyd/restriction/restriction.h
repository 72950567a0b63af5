// Restrictions: named tests in a list, as in Postfix; each yields a decision, the first refusal wins, deferrals that
// depend on the rest are collected and settled at the end.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_H_
#define VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "mail/probe_sender.h"
#include "verifyd/restriction/decision.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/probe_budget.h"
#include "verifyd/verifier.h"

namespace verifyd {

struct Restriction {
  Role role = Role::kRecipient;  // reject_unverified_recipient, reject_unverified_sender
  bool warn_if_reject = false;
};

// Errors name the item and what was expected.
absl::StatusOr<std::vector<Restriction>> ParseRestrictions(const std::vector<std::string>& items);

struct RestrictionSettings {
  std::vector<Restriction> recipient_restrictions;
  std::vector<Restriction> sender_restrictions;
  UnverifiedSettings recipient;
  UnverifiedSettings sender;
  absl::Duration patience;         // where $stress is empty
  absl::Duration stress_patience;  // where it is "yes"
  // unverified_recipient_max_defer_time; zero: without end.
  absl::Duration max_defer;
  bool dry_run = false;
  bool any_domain = false;  // Question::any_domain
  ProbeSender probe_sender;
  ProbeBudgetSettings probe_budget;
};

// What came of a request, and what the log says of it.
struct Ruling {
  Decision decision;
  // What would have been refused, but for warn_if_reject or a dry run.
  std::optional<Decision> warning;
  bool dry_run = false;
  // Of the restriction that decided, or of the last one asked; empty where none was.
  std::optional<Verdict> verdict;
};

// One request's way through the lists: settled at once where memory knows all it asks, else waiting for a probe. The
// request's views must outlive it.
class Evaluation {
 public:
  bool settled() const { return !waits_for_.has_value(); }
  // Once settled.
  const Ruling& ruling() const { return ruling_; }

 private:
  friend class Restrictions;

  const Restriction* Next();

  std::shared_ptr<const RestrictionSettings> settings_;
  MailRequest request_;
  bool memory_only_ = false;
  // The lists that apply, and how many restrictions of them are behind us.
  std::array<const std::vector<Restriction>*, 2> lists_ = {};
  size_t list_ = 0;
  size_t position_ = 0;
  std::optional<Question> waits_for_;
  const Restriction* asking_ = nullptr;  // whose question that is
  std::optional<Decision> if_permit_;
  Ruling ruling_;
};

class Restrictions {
 public:
  explicit Restrictions(Verifier& verifier) : verifier_(verifier), probe_budget_(verifier.clock()) {}
  void Configure(std::shared_ptr<const RestrictionSettings> settings) { settings_ = std::move(settings); }

  // Which lists apply: at RCPT the sender's and then the recipient's, at MAIL the sender's, at VRFY the recipient's;
  // policy context "sender" or "recipient" takes that list alone, "dry_run" refuses nothing. `memory_only`: no probe,
  // new addresses are deferred (overload).
  // As far as memory goes.
  Evaluation Begin(const MailRequest& request, bool memory_only);
  // What memory does not know is asked, within the patience and the budget of new probes (restriction/probe_budget.h);
  // beyond that new addresses are deferred, as with `memory_only`.
  boost::asio::awaitable<Ruling> Finish(Evaluation evaluation);

 private:
  void Advance(Evaluation& evaluation);
  bool IsOurOwnProbe(const MailRequest& request) const;
  bool Settles(Evaluation& evaluation, const Restriction& restriction, Verdict verdict) const;
  bool MayProbe(const Address& address, const Evaluation& evaluation);
  bool DeferredLongEnough(const Verdict& verdict, Role role, const RestrictionSettings& settings) const;
  std::optional<Question> QuestionFor(const Restriction& restriction, const Evaluation& evaluation) const;

  Verifier& verifier_;
  ProbeBudget probe_budget_;
  std::shared_ptr<const RestrictionSettings> settings_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_H_
