// What lists of restrictions (restriction_list.h) make of a request, as in Postfix (smtpd_check.c): they are gone
// through in order; the first that permits ends its list, the first refusal ends all; deferrals that depend on the rest
// are collected and settled at the end.
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
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/network.h"
#include "boost/asio/awaitable.hpp"
#include "dns/resolver.h"
#include "mail/probe_sender.h"
#include "tables/domain_list.h"
#include "verifyd/restriction/decision.h"
#include "verifyd/restriction/disposable_domains.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/probe_budget.h"
#include "verifyd/restriction/rate_counter.h"
#include "verifyd/restriction/restriction_list.h"
#include "verifyd/restriction/sender_exemptions.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

// Postfix's parameters of these names, each with _code behind it.
struct RestrictionCodes {
  int reject = 554;
  int defer = 450;
  int access_map_reject = 554;
  int access_map_defer = 450;
  int invalid_hostname_reject = 501;
  int non_fqdn_reject = 504;
  int unknown_address_reject = 450;
  int maps_rbl_reject = 554;
};

struct RestrictionSettings {
  std::shared_ptr<const RestrictionList> recipient_restrictions;  // never null
  std::shared_ptr<const RestrictionList> sender_restrictions;     // null: none
  // NAME_restrictions, which policy_context NAME selects instead of the two above.
  absl::flat_hash_map<std::string, std::shared_ptr<const RestrictionList>> classes;
  RestrictionCodes codes;
  UnverifiedSettings recipient;
  UnverifiedSettings sender;
  absl::Duration patience;         // where $stress is empty
  absl::Duration stress_patience;  // where it is "yes"
  // unverified_recipient_max_defer_time; zero: without end.
  absl::Duration max_defer;
  // For whom nothing is refused.
  bool dry_run = false;
  absl::flat_hash_set<std::string> dry_run_contexts;
  DomainList dry_run_domains;
  // backup_mx_domains: whose recipients are let through while no server of theirs can be reached.
  DomainList backup_mx_domains;
  bool any_domain = false;             // Question::any_domain
  DomainList submission_domains;       // submission_verify_domains: which recipients users of ours may have verified
  DomainList sender_domains;           // sender_verify_domains: likewise senders
  SenderExemptions sender_exemptions;  // unverified_sender_exemptions
  ProbeSender probe_sender;
  ProbeBudgetSettings probe_budget;
  NetworkList mynetworks;
  std::vector<DomainList> final_domains;  // whose mail ends here: nobody asks DNS about them
  DisposableDomains disposable;
};

// What came of a request, and what the log says of it.
struct Ruling {
  Decision decision;
  // What would have been refused, but for warn_if_reject or a dry run.
  std::optional<Decision> warning;
  bool dry_run = false;
  // Of the restriction that decided, or of the last one asked; empty where none was.
  std::optional<Verdict> verdict;
  // One word, where a restriction would have asked for a verdict, why there was nothing to ask: "no_recipient".
  absl::string_view not_asked;
  // The name of the restriction that refused, or would have; empty where none did.
  absl::string_view restriction;
  // What the MTA is to do besides, where nothing refuses: "HOLD", "PREPEND X-Checked: yes" (access(5)).
  std::string action;
};

// One request's way through the lists: settled at once where memory knows all it asks, else waiting for a probe. The
// request's views must outlive it.
class Evaluation {
 public:
  bool settled() const { return !waits_for_.has_value() && !waits_for_names_; }
  // Once settled.
  const Ruling& ruling() const { return ruling_; }
  // What it waits for the verifier to answer; nothing where it is settled, or waits for names.
  const std::optional<Question>& question() const { return waits_for_; }

 private:
  friend class Restrictions;

  // A list that is being gone through, of those that led to it the innermost.
  struct Level {
    const RestrictionList* list = nullptr;
    std::shared_ptr<const RestrictionList> kept;  // where nobody else keeps it
    size_t next = 0;
    bool warn_if_reject = false;
    RestrictionKind from = RestrictionKind::kClass;  // check_*_access: it stood in a table
  };

  const Restriction* Next();
  void Enter(std::shared_ptr<const RestrictionList> list, const Restriction& by);
  void EndList() { levels_.clear(); }

  std::shared_ptr<const RestrictionSettings> settings_;
  MailRequest request_;
  absl::string_view context_;
  bool memory_only_ = false;
  bool rehearsal_ = false;
  // The lists that apply, and how many of them are behind us.
  std::array<const RestrictionList*, 2> lists_ = {};
  size_t list_ = 0;
  absl::InlinedVector<Level, 2> levels_;
  // What it waits for: the verdict on an address, or names, for `asking_`.
  std::optional<Question> waits_for_;
  bool waits_for_names_ = false;
  const Restriction* asking_ = nullptr;
  std::optional<Decision> if_permit_;
  std::optional<Decision> if_reject_;
  absl::string_view if_permit_restriction_;
  Ruling ruling_;
};

class Restrictions {
 public:
  // Both outlive it.
  Restrictions(Verifier& verifier, Resolver& resolver)
      : verifier_(verifier), resolver_(resolver), probe_budget_(verifier.clock()), rate_counter_(verifier.clock()) {}
  void Configure(std::shared_ptr<const RestrictionSettings> settings) { settings_ = std::move(settings); }

  // Which lists apply: at RCPT the sender's and then the recipient's, at MAIL the sender's, at VRFY the recipient's;
  // policy context "sender" or "recipient" takes that list alone, the name of a class the class, "dry_run" refuses
  // nothing. Who logged in and says no context is in "submission". `memory_only`: no probe and no name server, new
  // addresses are deferred (overload).
  // As far as memory goes.
  Evaluation Begin(const MailRequest& request, bool memory_only);
  // What Begin would make of a request of long ago, from memory only: nothing is counted (rate_limit) or logged, nobody
  // is asked, and what only name servers know is passed over. Not settled where memory does not know an address.
  Evaluation Rehearse(const MailRequest& request);
  // What memory does not know is asked, within the patience and the budget of new probes (restriction/probe_budget.h);
  // beyond that new addresses are deferred, as with `memory_only`.
  boost::asio::awaitable<Ruling> Finish(Evaluation evaluation);

 private:
  Evaluation Begin(const MailRequest& request, bool memory_only, bool rehearsal);

  enum class Step : uint8_t { kGoOn, kPermit, kWait, kSettled };
  // Of what a refusal speaks.
  enum class Subject : uint8_t { kClient, kHelo, kSender, kRecipient };

  void Advance(Evaluation& evaluation);
  Step Take(Evaluation& evaluation, const Restriction& restriction);
  Step TakeSaid(Evaluation& evaluation, const Restriction& restriction);
  Step CheckAccess(Evaluation& evaluation, const Restriction& restriction);
  Step CheckSyntax(Evaluation& evaluation, const Restriction& restriction);
  Step CheckDisposable(Evaluation& evaluation, const Restriction& restriction);
  Step CheckRate(Evaluation& evaluation, const Restriction& restriction);
  Step AskVerifier(Evaluation& evaluation, const Restriction& restriction);
  Step AskNames(Evaluation& evaluation, const Restriction& restriction);
  boost::asio::awaitable<Step> LookUp(Evaluation& evaluation, const Restriction& restriction);
  boost::asio::awaitable<Step> LookUpDomain(Evaluation& evaluation, const Restriction& restriction);
  boost::asio::awaitable<Step> LookUpClient(Evaluation& evaluation, const Restriction& restriction);

  Decision Refusal(const Evaluation& evaluation, Subject subject, int code, absl::string_view dsn,
                   absl::string_view text) const;
  Step Refuse(Evaluation& evaluation, const Restriction& restriction, Decision decision) const;
  Step Settle(Evaluation& evaluation, const Restriction& restriction, Verdict verdict) const;

  static void SayLetThrough(absl::string_view recipient, const Verdict& verdict);
  bool IsOurOwnProbe(const MailRequest& request) const;
  bool MayProbe(const Address& address, const Evaluation& evaluation);
  bool DeferredLongEnough(const Verdict& verdict, Role role, const RestrictionSettings& settings) const;
  bool IsDryRun(const MailRequest& request) const;
  // What a verdict on an address of this role is used for.
  static Use UseFor(Role role, const Evaluation& evaluation);
  // Nothing where there is nothing to ask; `why_not` says it then.
  std::optional<Question> QuestionFor(const Restriction& restriction, const Evaluation& evaluation,
                                      absl::string_view& why_not) const;

  Verifier& verifier_;
  Resolver& resolver_;
  ProbeBudget probe_budget_;
  RateCounter rate_counter_;
  std::shared_ptr<const RestrictionSettings> settings_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_RESTRICTION_H_
