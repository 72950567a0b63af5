// The verifier: answers questions from memory, or by a probe. It is the only one that knows both sides, what we know
// (cache/) and how we find out (probe/); it never knows which door asked. What is held answers by the memory's rules
// (memory.h), and what a probe finds changes it by the learner's (learner.h); the verifier is who starts and writes.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_VERIFIER_H_
#define VERIFYD_VERIFYD_VERIFIER_VERIFIER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/forgetful_table.h"
#include "base/loop.h"
#include "base/shares.h"
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
#include "verifyd/verifier/held.h"
#include "verifyd/verifier/learner.h"
#include "verifyd/verifier/memory.h"
#include "verifyd/verifier/record_import.h"
#include "verifyd/verifier/route_changes.h"
#include "verifyd/verifier/second_looks.h"
#include "verifyd/verifier/unheard.h"

namespace verifyd {

struct VerifierSettings : LearnerSettings {
  DomainList relay_domains;
  ProbeSender probe_sender;
  std::string helo;
  absl::Duration probe_time_limit = absl::Seconds(300);
  size_t flight_limit = 20000;
  size_t waiter_limit = 20000;
  // address_verify_catch_all: where, besides in these domains.
  AskCatchAll catch_all = AskCatchAll::kOnConfiguredRoutes;
  DomainList catch_all_domains;
  // Keep what was said where an address was not found deliverable; refusal_id.
  bool keep_dialogues = false;
  std::shared_ptr<const GuardSettings> guard = std::make_shared<const GuardSettings>();
};

class Verifier {
 public:
  // All outlive the verifier.
  Verifier(Loop& loop, Cache& cache, Prober& prober, Metrics& metrics);

  // Before the first question, and after a reload; probes in the air keep what they began with.
  void Configure(std::shared_ptr<const VerifierSettings> settings);

  // After a reload that has changed routes: what was found by other routes is not answered any more, and is dropped
  // beside everything else. What probes find that were sent by those is told to who waits for them, and, unless the
  // address was accepted, kept of nobody. Null: nothing has changed.
  void TakeIn(std::shared_ptr<const RouteChange> change) { route_changes_.Begin(std::move(change)); }

  // What is held of an address, to be asked with: read once, a turn of the loop ago at most.
  Held Find(const Address& address) const;

  // The way of a question: pin, hold, fresh record, domain fact, flight in the air, probe. `answer` is called once,
  // after `question.patience` at the latest and perhaps before this returns, with what is remembered or state
  // kInProgress; the probe goes on. A positive is told before it is known whether everybody is accepted there, unless
  // the question wants to know that, too. Over the limits of flights and waiters, or its domain's share of them
  // (flights.h), a new address gets reason overload, which is temporary.
  using Answer = absl::AnyInvocable<void(Verdict&&)>;
  void Ask(Question question, const Held& held, Answer answer) {
    Ask(std::move(question), held, std::move(answer), /*again=*/false);
  }
  void Ask(Question question, Answer answer);
  // The same for a coroutine. What is held is let go of before it waits; null: it is read.
  boost::asio::awaitable<Verdict> Verify(Question question, std::unique_ptr<const Held> held = nullptr);

  // The part of Ask that needs no waiting: what memory says, if that is an answer. Starts a refresh behind it where
  // one is due.
  std::optional<Verdict> Recall(const Question& question, const Held& held);
  std::optional<Verdict> Recall(const Question& question) { return Recall(question, Find(question.address)); }

  // Asks anew about an address whose next probe is due, whoever knows of it. `done` is called when it has been asked,
  // perhaps before this returns.
  void LookAgain(Address address, Urgency urgency, absl::AnyInvocable<void()> done);
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

  // What goes along with a flight: the routes it goes by, and what was held true of the address before.
  struct Flown {
    uint64_t routes = 0;
    Guard::Before before = Guard::Before::kNothing;
  };

  void Ask(Question question, const Held& held, Answer answer, bool again);
  std::optional<Verdict> Promptly(const Question& question, const Held& held);
  std::optional<Verdict> TakeUnheard(const Question& question, const Held& held);
  void WaitFor(Flight& flight, Question question, Answer answer, bool again);
  Verdict Told(const Question& question, const Verdict& verdict);
  Verdict NotInTime(const Question& question, const Held& held);
  bool HasRoom(const Address& address, Shares::Party party, bool flying) const;
  void NoteChoice(const Question& question);
  void NoteProbe(const Address& address, const Held& held);
  void RefreshBehind(const Question& question, const Held& held);
  void LookAgain(const Question& question, const Held& held, absl::AnyInvocable<void()> done);
  ProbeRequest RequestFor(const Question& question, const Held& held) const;
  AskCatchAll CatchAllWanted(const Address& address) const;

  boost::asio::awaitable<void> Fly(Landing landing, ProbeRequest request, Guard::Before before);
  void TellAccepted(Flight& flight, const Address& address, const Finding& finding);
  boost::asio::awaitable<void> Land(Landing landing, Flown flown, ProbeRequest request, ProbeOutcome outcome);
  boost::asio::awaitable<Verdict> Learn(ProbeRequest request, ProbeOutcome outcome, Guard::Before before);
  Verdict Unlearned(const ProbeRequest& request, const ProbeOutcome& outcome);
  Verdict Failed(const Flight& flight);
  void Write(const Address& address, const Learned& learned);

  Loop& loop_;
  Cache& cache_;
  Prober& prober_;
  Metrics& metrics_;
  Memory memory_;
  Learner learner_;
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
  RouteChanges route_changes_;
  SecondLooks second_looks_;
  Unheard unheard_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_VERIFIER_H_
