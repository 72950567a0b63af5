// The verifier: answers questions from memory, or by a probe. It alone knows both sides, what we know (cache/) and how
// we find out (mail/source.h); it never knows which door asked. The memory (memory.h) makes answers of what is held,
// and the learner (learner.h) changes that by what a probe finds; the verifier starts probes and writes.
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
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/forgetful_table.h"
#include "base/loop.h"
#include "base/loop_bound.h"
#include "base/shares.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "mail/probe_sender.h"
#include "mail/question.h"
#include "mail/registrable_domain.h"
#include "mail/source.h"
#include "mail/verdict.h"
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
  // address_verify_catch_all: on these routes, and in these domains.
  AskCatchAll catch_all = AskCatchAll::kOnConfiguredRoutes;
  DomainList catch_all_domains;
  // Keep the dialogue of a probe that did not find its address deliverable; refusal_id.
  bool keep_dialogues = false;
  std::shared_ptr<const GuardSettings> guard = std::make_shared<const GuardSettings>();
};

class Verifier {
 public:
  // Where memory does not know, `sources` (at least one) are asked in this order. All arguments outlive the verifier.
  Verifier(Loop& loop, Cache& cache, std::vector<Source*> sources, Metrics& metrics);

  // Call it before the first question, and after a reload; probes in the air keep the settings they began with.
  void Configure(std::shared_ptr<const VerifierSettings> settings);

  // Call it after a reload that has changed routes. Findings by other routes are not answered any more, and are dropped
  // in the background. A probe that was sent by such a route still answers its waiters, but only an acceptance that it
  // finds is kept. Null: nothing has changed.
  void TakeIn(std::shared_ptr<const RouteChange> change) { route_changes_.Begin(std::move(change)); }

  // Reads what is held of an address, for a question that is asked at most a turn of the loop later.
  Held Find(const Address& address) const;

  // Answers by the first of these: pin, hold, fresh record, domain fact, flight in the air, probe. `answer` is called
  // once, after `question.patience` at the latest and perhaps before this returns, with what is remembered or state
  // kInProgress; the probe goes on. A positive is told before it is known whether everybody is accepted there, unless
  // the question wants to know that, too. Over the limits of flights and waiters, or its domain's share of them
  // (flights.h), a new address gets reason overload, which is temporary.
  using Answer = absl::AnyInvocable<void(Verdict&&)>;
  void Ask(Question question, const Held& held, Answer answer) {
    Ask(std::move(question), held, std::move(answer), /*again=*/false);
  }
  void Ask(Question question, Answer answer);
  // The same for a coroutine. It frees `held` before it waits; where that is null, or the cache has changed since, it
  // reads what is held.
  boost::asio::awaitable<Verdict> Verify(Question question, std::unique_ptr<const Held> held = nullptr);

  // The part of Ask that needs no waiting: returns the answer of memory, if there is one. Starts a refresh behind it
  // where one is due.
  std::optional<Verdict> Recall(const Question& question, const Held& held);
  std::optional<Verdict> Recall(const Question& question) { return Recall(question, Find(question.address)); }

  // Asks anew about an address whose next probe is due. `done` is called when that has been done, perhaps before this
  // returns.
  void LookAgain(Address address, Urgency urgency, absl::AnyInvocable<void()> done);
  // Whether the address is to be asked about by `now` though nobody asks (Record::on_agenda).
  bool IsPlanned(const Address& address, absl::Time now) const;
  // Calls `planned` whenever such a probe is planned, with its time. Null: nothing is called.
  void OnPlanned(absl::AnyInvocable<void(absl::Time when)> planned) { planned_ = std::move(planned); }

  // Takes in a finding of somebody else, as if a probe of ours had made it; its source stands in `finding` as the MX.
  boost::asio::awaitable<void> TakeInReport(Address address, Finding finding);

  // Takes in the finding of a delivery that is not ours, at outcome.destination, as if a probe of ours had made it at
  // finding.when. Nobody is asked. Nothing: it says nothing of the address, or is not to be believed now. `dry_run`:
  // says only what would become of it.
  std::optional<Imported> TakeInDelivery(const Address& address, const ProbeOutcome& outcome, bool dry_run);
  // The same, as far as it can be said before the destination is known.
  std::optional<Imported> WeighDelivery(const Address& address, const Finding& finding) const;

  // Returns the sender that a probe gives now in MAIL FROM.
  std::string sender() const { return settings_->probe_sender.At(loop_.clock().Now()); }

  // Whether the address is of a domain that is asked about.
  bool IsOurs(const Address& address) const;
  // Whether the operator has named its domain as his own.
  bool IsNamed(const Address& address) const;

  // For the end: tells every waiter that its probe is in progress.
  void EndWaits() { flights_.WakeWaiters(); }

  // The operator's words on destinations: see guard.h and Prober::Hold.
  bool Trust(Guard::Place place) { return guard_.EndDoubt(place); }

  // Whether a list may have more of its questions wait at one time. Lists take only the half of the room that is not
  // shared out, and leave the rest to questions for which somebody waits. Answers that have come are passed on first.
  bool HasRoomForLists() const;

  // Whether the address is being asked about just now.
  bool Probing(const Address& address) const { return flights_.InTheAir(address); }

  // The dialogues of this run of the daemon, with keep_dialogues.
  const Dialogues& dialogues() const { return dialogues_; }

  const Clock& clock() const { return loop_.clock(); }
  size_t waiting() const { return flights_.waiting(); }
  size_t flying() const { return flights_.size(); }

 private:
  static constexpr size_t kMaxChosen = 100000;

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

  boost::asio::awaitable<void> Fly(Landing landing, ProbeRequest request);
  void TellAccepted(Flight& flight, const Address& address, const Finding& finding);
  boost::asio::awaitable<void> Land(Landing landing, uint64_t routes, ProbeRequest request, ProbeOutcome outcome);
  boost::asio::awaitable<Verdict> Learn(ProbeRequest request, ProbeOutcome outcome);
  Verdict Unlearned(const ProbeRequest& request, const ProbeOutcome& outcome);
  Verdict Failed(const Flight& flight);
  void Write(const Address& address, const Learned& learned);

  Loop& loop_;
  [[no_unique_address]] LoopBound bound_{loop_};
  Cache& cache_;
  SourceList sources_;
  Metrics& metrics_;
  Memory memory_;
  Learner learner_;
  Flights flights_;
  // The parties that share the flights.
  RegistrableDomains parties_;
  Guard guard_;
  std::shared_ptr<const VerifierSettings> settings_;
  // Domains that were asked about although verify_domains does not have them (Question::any_domain): planned probes
  // there are made, too. After a restart they are not, until the domains are asked about again.
  ForgetfulTable<std::string, MonoTime> chosen_domains_{kMaxChosen};
  absl::AnyInvocable<void(absl::Time when)> planned_;
  Dialogues dialogues_;
  RouteChanges route_changes_;
  SecondLooks second_looks_;
  Unheard unheard_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_VERIFIER_H_
