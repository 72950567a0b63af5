// The verifier: answers questions from memory, or by a probe. It is the only one that knows both sides, what we know
// (cache/) and how we find out (probe/); it never knows which door asked.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_VERIFIER_H_
#define VERIFYD_VERIFYD_VERIFIER_VERIFIER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/forgetful_table.h"
#include "base/loop.h"
#include "base/shares.h"
#include "base/skipped_time.h"
#include "base/token_bucket.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "mail/probe_sender.h"
#include "mail/question.h"
#include "mail/registrable_domain.h"
#include "mail/verdict.h"
#include "probe/prober.h"
#include "tables/domain_list.h"
#include "verifyd/metrics/metrics.h"
#include "verifyd/verifier/dialogues.h"
#include "verifyd/verifier/flights.h"
#include "verifyd/verifier/guard.h"
#include "verifyd/verifier/memory.h"
#include "verifyd/verifier/record_import.h"

namespace verifyd {

struct VerifierSettings : MemorySettings {
  DomainList relay_domains;
  ProbeSender probe_sender;
  std::string helo;
  absl::Duration probe_time_limit = absl::Seconds(300);
  size_t flight_limit = 20000;
  size_t waiter_limit = 20000;
  // address_verify_catch_all: where, besides in these domains.
  AskCatchAll catch_all = AskCatchAll::kOnConfiguredRoutes;
  DomainList catch_all_domains;
  bool promote_persistent = false;  // address_verify_promote_persistent
  // Keep what was said where an address was not found deliverable; refusal_id.
  bool keep_dialogues = false;
  std::shared_ptr<const GuardSettings> guard = std::make_shared<const GuardSettings>();
};

class RouteChange;

class Verifier {
 public:
  // All outlive the verifier.
  Verifier(Loop& loop, Cache& cache, Prober& prober, Metrics& metrics);

  // Before the first question, and after a reload; probes in the air keep what they began with.
  void Configure(std::shared_ptr<const VerifierSettings> settings);

  // After a reload that has changed routes: what was found by other routes is not answered any more, and is dropped
  // beside everything else. What probes find that were sent by those is told to who waits for them, and, unless the
  // address was accepted, kept of nobody. Null: nothing has changed.
  void TakeIn(std::shared_ptr<const RouteChange> change);

  // The way of a question: pin, hold, fresh record, domain fact, flight in the air, probe. `answer` is called once,
  // after `question.patience` at the latest and perhaps before this returns, with what is remembered or state
  // kInProgress; the probe goes on. A positive is told before it is known whether everybody is accepted there, unless
  // the question wants to know that, too. Over the limits of flights and waiters, or its domain's share of them
  // (flights.h), a new address gets reason overload, which is temporary.
  void Ask(Question question, absl::AnyInvocable<void(Verdict&&)> answer);
  // The same for a coroutine.
  boost::asio::awaitable<Verdict> Verify(Question question);

  // The part of Ask that needs no waiting: what memory says, if that is an answer. Starts a refresh behind it where
  // one is due.
  std::optional<Verdict> Recall(const Question& question);

  // Asks anew about an address whose next probe is due, whoever knows of it. `done` is called when it has been asked,
  // perhaps before this returns. `asker`: see Question.
  void LookAgain(Address address, Urgency urgency, absl::AnyInvocable<void()> done, uint64_t asker = 0);
  // Whether the address is to be asked about by `now` without anybody asking (Record::on_agenda).
  bool IsPlanned(const Address& address, absl::Time now) const;
  // Called whenever such a probe is planned, with its time. Null: nobody wants to know.
  void OnPlanned(absl::AnyInvocable<void(absl::Time when)> planned) { planned_ = std::move(planned); }

  // Takes in what somebody else has found out of an address, as if a probe of ours had; where it comes from stands in
  // `finding` as its MX.
  boost::asio::awaitable<void> TakeInReport(Address address, Finding finding);

  // What a delivery that is not ours has found of an address at outcome.destination, as if a probe of ours had, at
  // finding.when. Nobody is asked. Nothing: it says nothing of the address, or is not to be believed now. With
  // `dry_run` only what would become of it is said.
  std::optional<Imported> TakeInDelivery(const Address& address, const ProbeOutcome& outcome, bool dry_run);
  // The same, as far as it can be said before the destination is known.
  std::optional<Imported> WeighDelivery(const Address& address, const Finding& finding) const;

  // Where a probe of the address would go: see Prober::FindRoute.
  boost::asio::awaitable<std::optional<Route>> FindRoute(Address address, MonoTime deadline);

  // Whether the address is of a domain that is asked about.
  bool IsOurs(const Address& address) const;
  // Whether the operator has named its domain as his own.
  bool IsNamed(const Address& address) const;

  // For the end: whoever waits for a probe is told that it is in progress.
  void EndWaits() { flights_.WakeWaiters(); }

  // The operator's words on destinations: see guard.h and Prober::Hold.
  bool Trust(Guard::Place place) { return guard_.EndDoubt(place); }

  // Whether a list may have more of its questions wait at one time: half of the room, which is not shared out, is left
  // for those somebody waits for, and what has been answered already is passed on first.
  bool HasRoomForLists() const;

  // Whether the address is being asked about just now.
  bool Probing(const Address& address) const { return flights_.InTheAir(address.Key()); }

  // Of this run of the daemon, with keep_dialogues.
  const Dialogues& dialogues() const { return dialogues_; }

  const Clock& clock() const { return loop_.clock(); }
  size_t waiting() const { return flights_.waiting(); }
  size_t flying() const { return flights_.size(); }

 private:
  static constexpr size_t kMaxChosen = 100000;
  static constexpr size_t kMaxUnheard = 10000;

  void Ask(Question question, absl::AnyInvocable<void(Verdict&&)> answer, bool again);
  std::optional<Verdict> TakeUnheard(const Question& question);
  std::optional<Verdict> Recall(const Question& question, const Memory::Held& held);
  std::optional<Verdict> RecallRecord(const Question& question, const Record& record, Freshness freshness);
  std::optional<Verdict> RecallByPostfixRule(const Question& question);
  void NoteProbe(const Address& address, const Memory::Held& held);
  void ForgetProbe(const Address& address);
  boost::asio::awaitable<void> Spread(std::shared_ptr<const RouteChange> change);
  void HeedRouteChange(const Address& address);
  bool SecondLookAllowed(const std::string& domain);
  void NoteSecondLook(const std::string& domain);
  Verdict Standing(const Address& address) const;
  // What is better than "in progress" when patience has ended.
  std::optional<Verdict> Fallback(const Question& question) const;
  Verdict Told(const Question& question, const Verdict* verdict);
  boost::asio::awaitable<void> Fly(Landing landing, ProbeRequest request);
  void TellAccepted(Flight& flight, const Address& address, const Finding& finding);
  // `routes`: those it went by.
  boost::asio::awaitable<void> Land(Landing landing, uint64_t routes, ProbeRequest request, ProbeOutcome outcome);
  Verdict Failed(const Flight& flight);
  boost::asio::awaitable<Verdict> Learn(ProbeRequest request, ProbeOutcome outcome);
  Finding TakeInNotHosted(const Address& address, const Finding& finding, std::optional<DomainFact>& held);
  Finding TakeInDomain(const Address& address, const ProbeOutcome& outcome, Finding finding,
                       std::optional<DomainFact>& held);
  void TakeIn(const Address& address, const ProbeOutcome& outcome, const Finding& finding);
  Finding Annotated(const Address& address, const ProbeOutcome& outcome, Finding finding,
                    std::optional<DomainFact> held);
  Finding Promoted(const Address& address, Finding finding) const;
  void PlanRetry(const Address& address, Record& record, const Record* held, const ProbeOutcome& outcome);
  void Forgo(const Address& address, absl::Duration pause);
  bool HasRoom(const Address& address, Shares::Party party, bool flying) const;
  ProbeRequest RequestFor(const Question& question) const;
  void RefreshBehind(const Question& question);
  void NoteChoice(const Question& question);
  AskCatchAll CatchAllWanted(const Address& address) const;
  CatchAll KnownCatchAll(const Address& address, const ProbeOutcome& outcome) const;
  static Guard::Before Before(const Memory::Held& held);

  Loop& loop_;
  Cache& cache_;
  Prober& prober_;
  Metrics& metrics_;
  Memory memory_;
  Flights flights_;
  // Who shares the flights.
  RegistrableDomains parties_;
  Guard guard_;
  std::shared_ptr<const VerifierSettings> settings_;
  // Domains that were asked about although verify_domains does not have them (Question::any_domain): what is planned
  // there is done, too. After a restart it is not, until they are asked about again.
  ForgetfulTable<std::string, MonoTime> chosen_domains_{kMaxChosen};
  absl::AnyInvocable<void(absl::Time when)> planned_;
  Dialogues dialogues_;
  // How often routes have changed, and the change that is not through with all that is held; null: none.
  uint64_t routes_ = 0;
  std::shared_ptr<const RouteChange> route_change_;
  // Second looks of a minute, by domain.
  struct SecondLooks {
    MonoTime since;
    int count = 0;
    bool past(MonoTime now) const { return count == 0 || now - since >= absl::Minutes(1); }
  };
  ForgetfulTable<std::string, SecondLooks> second_looks_{kMaxChosen};
  SkippedTime skipped_;
  TokenBucket hurried_again_{absl::Minutes(1)};
  // With address_verify_negative_cache = no: what nobody waited for long enough to hear, for the next who asks.
  struct Unheard {
    MonoTime when;
    Verdict verdict;
  };
  ForgetfulTable<std::string, Unheard> unheard_{kMaxUnheard};
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_VERIFIER_H_
