#include "verifyd/verifier/verifier.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/one_shot.h"
#include "cache/postfix_rule.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"
#include "mail/masked_text.h"

namespace verifyd {
namespace {

// The pause before a probe that the agenda can not make just now.
constexpr absl::Duration kForgone = absl::Minutes(10);
// While more answers than this have come and are not taken, a list begins no question: others would wait behind them.
constexpr size_t kMostInTheMail = 256;

Verdict Overload(absl::Time now) {
  return Known(VerdictSource::kNothing,
               ToFinding(Classifier::Classify(Event::kOverload, Stage::kDns), Stage::kDns,
                         "Too many address verification requests", now),
               now);
}

// The answer to a question that failed inside verifyd.
Verdict OwnFailure(absl::Time now) {
  return Known(VerdictSource::kNothing,
               ToFinding(Classifier::Classify(Event::kLocalError, Stage::kDns), Stage::kDns,
                         "verification failed inside verifyd; its log says why", now),
               now);
}

// Returns what the guard is told of the address. A pin is not the word of a server.
Guard::Before BeforeOf(const Held& held) {
  if (held.pin.has_value() || !held.live() || !held.is_positive()) return Guard::Before::kNothing;
  return held.record->pending.has_value() ? Guard::Before::kContradicted : Guard::Before::kPositive;
}

// Adds the past of the address, so that the record of the decision need not read it again.
Verdict WithPast(Verdict verdict, const Held& held) {
  verdict.accepted_before = held.accepted_before();
  return verdict;
}

// `what` is "probe", or "update" where it was not ours.
void LogProbe(absl::string_view what, const Address& address, const ProbeOutcome& outcome) {
  const Finding& finding = outcome.finding;
  const auto seconds = [](absl::Duration d) {
    const int64_t tenths_of_ms = (absl::ToInt64Microseconds(d) + 50) / 100;
    return absl::StrCat(tenths_of_ms / 10000, ".", absl::Dec(tenths_of_ms % 10000, absl::kZeroPad4));
  };
  const ProbeDelays& delays = outcome.delays;
  LogInfo(absl::StrCat(
      what, ": to=<", address.Key(),
      ">, relay=", finding.mx_name.empty() ? "none" : absl::StrCat(finding.mx_name, "[", finding.mx_address, "]"),
      ", delay=", seconds(delays.total()), ", delays=", seconds(delays.dns), "/", seconds(delays.queue), "/",
      seconds(delays.connect), "/", seconds(delays.dialogue), ", dsn=",
      finding.enhanced.given() ? finding.enhanced.ToString()
      : finding.definite()     ? (finding.deliverability == Deliverability::kDeliverable ? "2.0.0" : "5.0.0")
                               : "4.0.0",
      ", status=", DeliverabilityName(finding.deliverability), ", reason=", ReasonName(finding.reason),
      ", rule=", finding.rule, " (", LoggedReply(finding.text, address.Key()), ")"));
}

}  // namespace

Verifier::Verifier(Loop& loop, Cache& cache, std::vector<Source*> sources, Metrics& metrics)
    : loop_(loop),
      cache_(cache),
      sources_(loop, std::move(sources)),
      metrics_(metrics),
      memory_(loop.clock(), cache),
      learner_(loop.clock(), /*hides_addresses=*/cache.pseudonyms() != nullptr),
      flights_(loop, [this](const Flight& flight) { return Failed(flight); }),
      guard_(loop, cache, sources_),
      route_changes_(loop, cache),
      second_looks_(loop.clock()),
      unheard_(loop.clock()) {}

void Verifier::Configure(std::shared_ptr<const VerifierSettings> settings) {
  bound_.Check();
  settings_ = std::move(settings);
  memory_.Configure(settings_);
  learner_.Configure(settings_);
  flights_.SetLimits(settings_->flight_limit, settings_->waiter_limit);
  guard_.Configure(settings_->guard);
}

Held Verifier::Find(const Address& address) const {
  bound_.Check();
  route_changes_.Heed(address);
  Held held = memory_.Find(address);
  held.routes = route_changes_.count();
  return held;
}

std::optional<Verdict> Verifier::Recall(const Question& question, const Held& held) {
  bound_.Check();
  if (held.record.has_value()) cache_.NoteAsked(question.address.Key());
  std::optional<Verdict> verdict = memory_.Overruling(question, held);
  if (!verdict.has_value()) verdict = question.memory_only ? memory_.FoundOut(held) : Promptly(question, held);
  if (!verdict.has_value()) verdict = TakeUnheard(question, held);
  if (!verdict.has_value() && question.memory_only) verdict.emplace();
  if (!verdict.has_value()) return std::nullopt;
  metrics_.questions(verdict->source).Increment();
  return WithPast(*std::move(verdict), held);
}

// Nothing: the question waits for a probe.
std::optional<Verdict> Verifier::Promptly(const Question& question, const Held& held) {
  if (memory_.CallsForALook(question, held) && second_looks_.Allowed(question.address.domain())) return std::nullopt;
  std::optional<Verdict> verdict = memory_.Answer(question, held);
  if (!verdict.has_value()) return std::nullopt;
  if (verdict->refreshing) RefreshBehind(question, held);
  if (verdict->state == VerdictState::kInProgress && Probing(question.address)) return std::nullopt;
  return verdict;
}

std::optional<Verdict> Verifier::TakeUnheard(const Question& question, const Held& held) {
  if (settings_->postfix_policy || held.live()) return std::nullopt;
  std::optional<Verdict> verdict = unheard_.Take(question.address);
  return question.fresh ? std::nullopt : verdict;
}

void Verifier::Ask(Question question, Answer answer) {
  const Held held = Find(question.address);
  Ask(std::move(question), held, std::move(answer), /*again=*/false);
}

// A question that joined a flight is not declined for the budget of another asker: it is asked once more (`again`).
void Verifier::Ask(Question question, const Held& held, Answer answer, bool again) {
  bound_.Check();
  if (std::optional<Verdict> recalled = Recall(question, held)) return answer(*std::move(recalled));
  const bool flying = Probing(question.address);
  const Shares::Party party = parties_.NumberOf(question.address.domain());
  if (!HasRoom(question.address, party, flying)) {
    metrics_.overload().Increment();
    return answer(WithPast(memory_.Fallback(question, held).value_or(Overload(loop_.clock().Now())), held));
  }
  Ticket ticket = flights_.Join(question.address, party);
  std::optional<ProbeRequest> request;
  if (ticket.leads()) {
    NoteChoice(question);
    NoteProbe(question.address, held);
    request = RequestFor(question, held);
  } else {
    metrics_.joined().Increment();
  }
  const auto take_off = [&] {
    if (ticket.leads()) loop_.Spawn(Fly(*std::move(ticket.landing), *std::move(request)));
  };
  if (question.patience > absl::ZeroDuration()) {
    WaitFor(*ticket.flight, std::move(question), std::move(answer), again);
    return take_off();
  }
  take_off();
  const Verdict* const told = ticket.flight->told_so_far();
  answer(told != nullptr ? Told(question, *told) : NotInTime(question, held));
}

void Verifier::WaitFor(Flight& flight, Question question, Answer answer, bool again) {
  const absl::Duration patience = question.patience;
  const bool to_its_end = question.wants_catch_all;
  flights_.Wait(
      flight, patience,
      [this, again, began = loop_.clock().Mono(), question = std::move(question),
       answer = std::move(answer)](const Verdict* verdict) mutable {
        if (verdict == nullptr) return answer(NotInTime(question, memory_.Find(question.address)));
        const bool others = verdict->declined_for.value_or(question.asker) != question.asker;
        if (again || !others) return answer(Told(question, *verdict));
        question.patience -= loop_.clock().Mono() - began;
        const Held held = Find(question.address);
        Ask(std::move(question), held, std::move(answer), /*again=*/true);
      },
      to_its_end);
}

// Answers with the verdict of a flight, which may not have landed yet.
Verdict Verifier::Told(const Question& question, const Verdict& verdict) {
  (void)unheard_.Take(question.address);
  metrics_.questions(verdict.source).Increment();
  Verdict told = verdict;
  if (!question.dialogue) told.dialogue.clear();
  return told;
}

Verdict Verifier::NotInTime(const Question& question, const Held& held) {
  metrics_.in_progress().Increment();
  return WithPast(memory_.Fallback(question, held).value_or(InProgress()), held);
}

// Whether one more waiter, and a flight where none is in the air, is within the limits. The room that only the
// operator's own domains may have comes last: to find out whether the domain is one of them costs more than to count
// its flights.
bool Verifier::HasRoom(const Address& address, Shares::Party party, bool flying) const {
  const auto has_room = [&](bool ours) {
    return flights_.MayWait(party, ours) && (flying || flights_.MayFly(party, ours));
  };
  return has_room(/*ours=*/false) || (has_room(/*ours=*/true) && IsNamed(address));
}

boost::asio::awaitable<Verdict> Verifier::Verify(Question question, std::unique_ptr<const Held> held) {
  const OneShot<Verdict> answer(loop_);
  // A probe of the same address may have landed in between, or routes have changed.
  const bool outdated = held == nullptr || held->as_of != cache_.changes() || held->routes != route_changes_.count();
  if (outdated) held = std::make_unique<const Held>(Find(question.address));
  Ask(std::move(question), *held, [answer](Verdict&& verdict) { answer.Set(std::move(verdict)); });
  held.reset();
  co_await answer.Wait();
  co_return std::move(*answer);
}

bool Verifier::HasRoomForLists() const {
  bound_.Check();
  return flights_.waiting() < settings_->waiter_limit / 2 && flights_.size() < settings_->flight_limit / 2 &&
         sources_.untaken() < kMostInTheMail;
}

// A retry has the identity of the first try, as long as that sender is still one of ours: a greylisting server knows it
// by that, and our own gateway must know the sender, too.
ProbeRequest Verifier::RequestFor(const Question& question, const Held& held) const {
  const absl::Time now = loop_.clock().Now();
  ProbeRequest request;
  request.address = question.address;
  request.urgency = question.urgency;
  request.deadline = loop_.clock().Mono() + settings_->probe_time_limit;
  request.identity.sender = sender();
  request.identity.helo = settings_->helo;
  request.dialogue = question.dialogue || settings_->keep_dialogues;
  request.ours = IsNamed(question.address);
  request.asker = question.asker;
  request.ask_catch_all = CatchAllWanted(question.address);
  if (request.ask_catch_all != AskCatchAll::kNo &&
      memory_.KnownCatchAll(question.address, held) != CatchAll::kNotAsked) {
    request.ask_catch_all = AskCatchAll::kNo;
  }
  if (!held.record.has_value() || !held.record->retry_identity.has_value()) return request;
  const ProbeIdentity& former = *held.record->retry_identity;
  if (former.sender == request.identity.sender || settings_->probe_sender.IsOurs(former.sender, now)) {
    request.identity = former;
  }
  return request;
}

AskCatchAll Verifier::CatchAllWanted(const Address& address) const {
  return settings_->catch_all_domains.Contains(address) ? AskCatchAll::kAlways : settings_->catch_all;
}

// By verify(8)'s rule we remember that a probe is in the air, so that it is not repeated; by ours we count second
// looks.
void Verifier::NoteProbe(const Address& address, const Held& held) {
  if (!settings_->postfix_policy) {
    const bool negative =
        held.record.has_value() && held.record->finding.deliverability == Deliverability::kUndeliverable;
    if (negative) second_looks_.Note(address.domain());
    return;
  }
  const PostfixAnswer answer =
      AskByPostfixRule(held.record, settings_->lifetimes, settings_->negative_cache, loop_.clock().Now());
  if (answer.record.has_value()) cache_.PutRecord(address.Key(), *answer.record);
}

void Verifier::RefreshBehind(const Question& question, const Held& held) {
  if (settings_->postfix_policy) NoteProbe(question.address, held);
  if (Probing(question.address)) return;
  if (!HasRoom(question.address, parties_.NumberOf(question.address.domain()), /*flying=*/false)) return;
  metrics_.refreshes().Increment();
  NoteChoice(question);
  Question behind;
  behind.address = question.address;
  behind.urgency = Urgency::kRefresh;
  behind.asker = question.asker;
  LookAgain(behind, held, [] {});
}

void Verifier::NoteChoice(const Question& question) {
  if (!question.any_domain || settings_->verify_domains.Contains(question.address)) return;
  // The domain that was asked about last is worth most.
  const auto worth = [](MonoTime asked) { return asked; };
  chosen_domains_.FindOrAdd(question.address.domain(), {}, worth) = loop_.clock().Mono();
}

bool Verifier::IsNamed(const Address& address) const {
  return settings_->verify_domains.Names(address) || settings_->relay_domains.Names(address);
}

bool Verifier::IsOurs(const Address& address) const {
  return settings_->verify_domains.Contains(address) || chosen_domains_.Find(address.domain()) != nullptr;
}

bool Verifier::IsPlanned(const Address& address, absl::Time now) const {
  bound_.Check();
  const std::optional<Record> record = cache_.FindRecord(address.Key());
  return record.has_value() && record->on_agenda() && record->next_probe <= now && !Probing(address);
}

void Verifier::LookAgain(Address address, Urgency urgency, absl::AnyInvocable<void()> done) {
  Question question;
  question.address = std::move(address);
  question.urgency = urgency;
  LookAgain(question, memory_.FindAll(question.address), std::move(done));
}

void Verifier::LookAgain(const Question& question, const Held& held, absl::AnyInvocable<void()> done) {
  bound_.Check();
  const Address& address = question.address;
  if (held.pin.has_value() || !IsOurs(address)) {
    Write(address, learner_.Forgo(held, absl::InfiniteDuration()));
    return done();
  }
  if (held.hold.has_value()) {
    Write(address, learner_.Forgo(held, kForgone));
    return done();
  }
  Ticket ticket = flights_.Join(address, parties_.NumberOf(address.domain()));
  if (!ticket.leads()) return done();
  flights_.Wait(*ticket.flight, absl::InfiniteDuration(),
                [done = std::move(done)](const Verdict* /*verdict*/) mutable { done(); });
  loop_.Spawn(Fly(*std::move(ticket.landing), RequestFor(question, held)));
}

// Ends when it is known where to ask, so that a question in the air keeps no coroutine here until it lands.
boost::asio::awaitable<void> Verifier::Fly(Landing landing, ProbeRequest request) {
  co_await flights_.Enter(landing.flight());
  Source::Accepted accepted;
  if (request.ask_catch_all != AskCatchAll::kNo) {
    accepted = [this, flight = landing.flight().shared_from_this(), address = request.address](const Finding& finding) {
      TellAccepted(*flight, address, finding);
    };
  }
  co_await sources_.Begin(
      std::move(request),
      [this, landing = std::move(landing), routes = route_changes_.count()](ProbeRequest&& asked,
                                                                            ProbeOutcome&& outcome) mutable {
        loop_.Spawn(Land(std::move(landing), routes, std::move(asked), std::move(outcome)));
      },
      std::move(accepted));
}

// A coroutine of ours has failed, and the loop has logged why. Our knowledge of the address still holds.
Verdict Verifier::Failed(const Flight& flight) {
  metrics_.internal_errors().Increment();
  const Held held = memory_.FindAll(flight.address);
  Write(flight.address, learner_.ForgetProbe(held, kForgone));
  Verdict standing = memory_.Standing(held);
  return standing.state == VerdictState::kKnown ? standing : OwnFailure(loop_.clock().Now());
}

// Nothing is learned yet. A pin or hold that the operator has set meanwhile is told when the probe has ended.
void Verifier::TellAccepted(Flight& flight, const Address& address, const Finding& finding) {
  const Held word = memory_.FindWord(address);
  if (word.pin.has_value() || word.hold.has_value()) return;
  flights_.Accept(flight, Known(VerdictSource::kProbe, finding, loop_.clock().Now()));
}

boost::asio::awaitable<void> Verifier::Land(Landing landing, uint64_t routes, ProbeRequest request,
                                            ProbeOutcome outcome) {
  const Address address = request.address;
  std::vector<DialogueLine> dialogue = std::move(outcome.dialogue);
  if (!outcome.not_verifiable) LogProbe("probe", address, outcome);
  const bool stale = routes != route_changes_.count() && outcome.finding.deliverability != Deliverability::kDeliverable;
  // By verify(8)'s rule it is remembered that there was a probe, so its answer has to be, too.
  const bool says_nothing = (outcome.declined || stale) && !settings_->postfix_policy;
  const bool unlearned = outcome.not_verifiable || outcome.on_hold || says_nothing;
  const bool told_of_address = !says_nothing && !outcome.on_hold;
  Verdict verdict;
  if (unlearned) {
    verdict = Unlearned(request, outcome);
  } else {
    metrics_.probes(outcome.finding.deliverability).Increment();
    verdict = co_await Learn(std::move(request), std::move(outcome));
  }
  if (!settings_->negative_cache && !landing.flight().awaited() && told_of_address) unheard_.Keep(address, verdict);
  if (settings_->keep_dialogues && verdict.deliverability() != Deliverability::kDeliverable && !dialogue.empty()) {
    dialogues_.Keep(address.Key(), {loop_.clock().Now(), dialogue});
  }
  verdict.dialogue = std::move(dialogue);
  landing.Land(std::move(verdict));
}

// Keeps nothing of the outcome. Puts off a planned probe, but not because somebody asked in vain.
Verdict Verifier::Unlearned(const ProbeRequest& request, const ProbeOutcome& outcome) {
  const Address& address = request.address;
  const Held held = memory_.FindAll(address);
  if (outcome.not_verifiable) {
    Write(address, learner_.Forgo(held, absl::InfiniteDuration()));
    return NotVerifiable(outcome.finding.text);
  }
  if (outcome.on_hold) {
    Write(address, learner_.ForgetProbe(held, kForgone));
    return memory_.OnHold(address, held);
  }
  if (request.urgency == Urgency::kRetry) Write(address, learner_.Forgo(held, kForgone));
  Verdict verdict = memory_.Standing(held);
  if (verdict.state != VerdictState::kKnown) {
    verdict = Known(VerdictSource::kProbe, outcome.finding, loop_.clock().Now());
  }
  if (outcome.declined) verdict.declined_for = request.asker;
  return WithPast(std::move(verdict), held);
}

// Takes the finding into memory, and answers with what is held true then.
boost::asio::awaitable<Verdict> Verifier::Learn(ProbeRequest request, ProbeOutcome outcome) {
  const Address& address = request.address;
  Held held = memory_.FindAll(address);
  if (!settings_->postfix_policy) {
    if (held.hold.has_value()) co_return memory_.OnHold(address, held);  // since the probe began
    outcome.finding = co_await guard_.Judge(request, outcome, BeforeOf(held));
    // The guard may have waited for another answer.
    if (held.as_of != cache_.changes()) held = memory_.FindAll(address);
  }
  const Learned learned = learner_.Learn(request, outcome, std::move(held));
  Write(address, learned);
  Verdict verdict = Known(VerdictSource::kProbe, learned.finding, loop_.clock().Now());
  if (!settings_->postfix_policy) {
    Verdict standing = memory_.Standing(learned.held);
    const bool found_now =
        standing.finding.when == learned.finding.when && standing.finding.reason == learned.finding.reason;
    if (found_now) standing.source = VerdictSource::kProbe;
    if (standing.state == VerdictState::kKnown) verdict = std::move(standing);
  }
  co_return WithPast(std::move(verdict), learned.held);
}

void Verifier::Write(const Address& address, const Learned& learned) {
  const Held& held = learned.held;
  if (learned.domain_changed) cache_.PutDomainFact(*held.domain);
  if (learned.record_changed && held.record.has_value()) cache_.PutRecord(address.Key(), *held.record);
  if (learned.record_changed && !held.record.has_value()) cache_.DeleteRecord(address.Key());
  if (learned.wants_probe.has_value() && planned_) planned_(*learned.wants_probe);
}

boost::asio::awaitable<void> Verifier::TakeInReport(Address address, Finding finding) {
  bound_.Check();
  Question question;
  question.address = std::move(address);
  ProbeRequest request = RequestFor(question, memory_.FindAll(question.address));
  ProbeOutcome outcome;
  outcome.finding = std::move(finding);
  outcome.finding.source = FindingSource::kReported;
  // We make the retry that it promises.
  outcome.identity = request.identity;
  LogProbe("update", request.address, outcome);
  co_await Learn(std::move(request), std::move(outcome));
}

std::optional<Imported> Verifier::WeighDelivery(const Address& address, const Finding& finding) const {
  bound_.Check();
  return learner_.WeighReport(finding, memory_.FindAll(address));
}

std::optional<Imported> Verifier::TakeInDelivery(const Address& address, const ProbeOutcome& outcome, bool dry_run) {
  bound_.Check();
  Held held = memory_.FindAll(address);
  const std::optional<Imported> becomes = learner_.WeighReport(outcome.finding, held);
  if (becomes != Imported::kTaken) return becomes;
  if (held.hold.has_value()) return std::nullopt;
  if (!dry_run) guard_.NoteReport(address, outcome, BeforeOf(held));
  if (!guard_.BelievesReport(address, outcome)) return std::nullopt;
  if (!dry_run) Write(address, learner_.LearnReport(outcome, CatchAllWanted(address), std::move(held)));
  return becomes;
}

}  // namespace verifyd
