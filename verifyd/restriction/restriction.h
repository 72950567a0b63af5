// Restrictions: named tests in a list, as in Postfix; each yields a decision, the first refusal wins, deferrals that
// depend on the rest are collected and settled at the end.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_H_
#define VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_H_

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
  bool dry_run = false;
  ProbeSender probe_sender;
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

class Restrictions {
 public:
  explicit Restrictions(Verifier& verifier) : verifier_(verifier) {}
  void Configure(std::shared_ptr<const RestrictionSettings> settings) { settings_ = std::move(settings); }

  // Which lists apply: at RCPT the sender's and then the recipient's, at MAIL the sender's, at VRFY the recipient's;
  // policy context "sender" or "recipient" takes that list alone, "dry_run" refuses nothing. `memory_only`: no probe,
  // new addresses are deferred (overload).
  boost::asio::awaitable<Ruling> Evaluate(MailRequest request, bool memory_only);

 private:
  struct Pass;
  boost::asio::awaitable<bool> Apply(const std::vector<Restriction>& list, const MailRequest& request, Pass& pass);
  std::optional<Question> QuestionFor(const Restriction& restriction, const MailRequest& request,
                                      bool memory_only) const;

  Verifier& verifier_;
  std::shared_ptr<const RestrictionSettings> settings_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_H_
