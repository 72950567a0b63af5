// Takes a request through lists of restrictions (restriction_list.h), as Postfix does (smtpd_check.c). A list is gone
// through in order; the first permit ends its list, the first refusal ends all. Deferrals that depend on the rest are
// collected and settled at the end.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_RESTRICTION_RESTRICTIONS_H_
#define VERIFYD_VERIFYD_RESTRICTION_RESTRICTIONS_H_

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

// Postfix's parameters of these names, with _code behind them.
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
  // Nothing is refused for these.
  bool dry_run = false;
  absl::flat_hash_set<std::string> dry_run_contexts;
  DomainList dry_run_domains;
  // backup_mx_domains: recipients are let through while no server of their domain can be reached.
  DomainList backup_mx_domains;
  bool any_domain = false;             // Question::any_domain
  DomainList submission_domains;       // submission_verify_domains: recipients that our users may have verified
  DomainList sender_domains;           // sender_verify_domains: likewise senders
  SenderExemptions sender_exemptions;  // unverified_sender_exemptions
  ProbeSender probe_sender;
  ProbeBudgetSettings probe_budget;
  NetworkList mynetworks;
  std::vector<DomainList> final_domains;  // mail for them ends here: DNS is not asked about them
  DisposableDomains disposable;
};

// The result of a request, and what the log says of it.
struct Ruling {
  Decision decision;
  // The refusal that warn_if_reject or a dry run has held back.
  std::optional<Decision> warning;
  bool dry_run = false;
  // The verdict of the restriction that decided, or of the last one asked; empty where none was.
  std::optional<Verdict> verdict;
  Role verdict_on = Role::kRecipient;  // whose address it is about
  // One word for why a restriction that asks for a verdict had nothing to ask: "no_recipient".
  absl::string_view not_asked;
  // The name of the restriction that refused, or would have; empty where none did.
  absl::string_view restriction;
  // The MTA's further action, where nothing refuses: "HOLD", "PREPEND X-Checked: yes" (access(5)).
  std::string action;
};

// The way of one request through the lists. It is settled at once where memory knows all it asks; else it waits for a
// probe. The request's views must outlive it.
class Evaluation {
 public:
  bool settled() const { return !waits_for_.has_value() && !waits_for_names_; }
  // Final once settled.
  const Ruling& ruling() const { return ruling_; }
  // The question it waits for the verifier to answer; nothing where it is settled, or waits for names.
  const std::optional<Question>& question() const { return waits_for_; }

 private:
  friend class Restrictions;

  // A list that is being gone through. Lists nest; the innermost is the last.
  struct Level {
    const RestrictionList* list = nullptr;
    std::shared_ptr<const RestrictionList> kept;  // keeps `list` where nothing else does
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
  // The lists that apply, and how many of them are begun.
  std::array<const RestrictionList*, 2> lists_ = {};
  size_t list_ = 0;
  absl::InlinedVector<Level, 2> levels_;
  // It waits for the verdict on an address, or for names, on behalf of `asking_`.
  std::optional<Question> waits_for_;
  std::unique_ptr<const Held> held_;  // what was read for the question
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

  // Goes through the lists as far as memory answers. At RCPT the sender's list applies and then the recipient's, at
  // MAIL the sender's, at VRFY the recipient's. Policy context "sender" or "recipient" takes that list alone, the name
  // of a class takes the class, "dry_run" refuses nothing. A client that logged in and gives no context is in
  // "submission". `memory_only` (overload): no probe and no name server; new addresses are deferred.
  Evaluation Begin(const MailRequest& request, bool memory_only);
  // Does what Begin would do with a request of long ago, from memory only. Nothing is counted (rate_limit), logged or
  // asked; restrictions that need name servers are passed over. Not settled where memory does not know an address.
  Evaluation Rehearse(const MailRequest& request);
  // Asks for what memory does not know, within the patience and the budget of new probes (restriction/probe_budget.h).
  // Beyond that, new addresses are deferred, as with `memory_only`.
  boost::asio::awaitable<Ruling> Finish(Evaluation evaluation);

 private:
  Evaluation Begin(const MailRequest& request, bool memory_only, bool rehearsal);

  enum class Step : uint8_t { kGoOn, kPermit, kWait, kSettled };
  // The subject of a refusal.
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
  // Returns the use of a verdict on an address of this role.
  static Use UseFor(Role role, const Evaluation& evaluation);
  // Returns nothing where there is nothing to ask; `why_not` says why.
  std::optional<Question> QuestionFor(const Restriction& restriction, const Evaluation& evaluation,
                                      absl::string_view& why_not) const;

  Verifier& verifier_;
  Resolver& resolver_;
  ProbeBudget probe_budget_;
  RateCounter rate_counter_;
  std::shared_ptr<const RestrictionSettings> settings_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_RESTRICTION_RESTRICTIONS_H_
