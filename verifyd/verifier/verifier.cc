#include "verifyd/verifier/verifier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/one_shot.h"
#include "cache/merge.h"
#include "cache/postfix_rule.h"
#include "classifier/classifier.h"
#include "classifier/reason.h"
#include "classifier/retry_delay.h"
#include "mail/address_forms.h"
#include "mail/masked_text.h"
#include "verifyd/verifier/route_change.h"

namespace verifyd {
namespace {

constexpr absl::string_view kInProgressText = "Address verification in progress";
// Where a greylisting server does not say when it wants to be asked again; what it says is rounded up a little.
constexpr absl::Duration kRetryDelay = absl::Minutes(5);
constexpr absl::Duration kRetryMargin = absl::Seconds(10);
constexpr uint32_t kMaxRetries = 5;
// A probe that the agenda can not make just now.
constexpr absl::Duration kForgone = absl::Minutes(10);
// Second looks at negatives of one domain in a minute: a list of wrong addresses must not become as many probes.
constexpr int kSecondLooks = 30;
// Who was hurried is asked again with all the time there is: of the agenda's places these take less than half.
constexpr double kHurriedAgainPerMinute = 4;
// What nobody heard is kept so long.
constexpr absl::Duration kUnheard = absl::Seconds(1000);
// Temporary "unknown user" answers, and the time they span, that count as persistent.
constexpr uint32_t kPersistentAnswers = 5;
constexpr absl::Duration kPersistentTime = absl::Hours(24);
// How exactly it is remembered when a domain was last alive.
constexpr absl::Duration kAliveStep = absl::Hours(1);

// Answers in the mail while a list still begins questions: whoever asks in between waits for as many.
constexpr size_t kMostInTheMail = 256;

Verdict InProgress() {
  Verdict verdict;
  verdict.state = VerdictState::kInProgress;
  verdict.finding.text = std::string(kInProgressText);
  return verdict;
}

Verdict Overload(absl::Time now) {
  Verdict verdict;
  verdict.state = VerdictState::kKnown;
  verdict.finding = ToFinding(Classifier::Classify(Event::kOverload, Stage::kDns), Stage::kDns,
                              "Too many address verification requests", now);
  return verdict;
}

// Of a question that failed inside verifyd.
Verdict OwnFailure(absl::Time now) {
  Verdict verdict;
  verdict.state = VerdictState::kKnown;
  verdict.finding = ToFinding(Classifier::Classify(Event::kLocalError, Stage::kDns), Stage::kDns,
                              "verification failed inside verifyd; its log says why", now);
  return verdict;
}

// What is known of catch-all says whether a positive means anything.
Finding WithCatchAll(Finding finding, CatchAll known) {
  if (finding.reason != Reason::kAccepted) return finding;
  switch (known) {
    case CatchAll::kYes:
      finding.reason = Reason::kCatchAll;
      break;
    case CatchAll::kCouldNotTell:
    case CatchAll::kInconsistent:
      finding.reason = Reason::kAcceptedCatchallUnknown;
      break;
    case CatchAll::kNo:
    case CatchAll::kNotAsked:
      break;
  }
  return finding;
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

Verifier::Verifier(Loop& loop, Cache& cache, Prober& prober, Metrics& metrics)
    : loop_(loop),
      cache_(cache),
      prober_(prober),
      metrics_(metrics),
      memory_(loop.clock(), cache),
      flights_(loop, [this](const Flight& flight) { return Failed(flight); }),
      guard_(loop, cache, prober) {
  skipped_.Observe(loop_.clock());
  hurried_again_.SetRate(kHurriedAgainPerMinute / 60);
}

void Verifier::Configure(std::shared_ptr<const VerifierSettings> settings) {
  settings_ = std::move(settings);
  memory_.Configure(settings_);
  flights_.SetLimits(settings_->flight_limit, settings_->waiter_limit);
  guard_.Configure(settings_->guard);
}

bool Verifier::SecondLookAllowed(const std::string& domain) {
  const SecondLooks* const looks = second_looks_.Find(domain);
  return looks == nullptr || looks->past(loop_.clock().Mono()) || looks->count < kSecondLooks;
}

void Verifier::NoteSecondLook(const std::string& domain) {
  const MonoTime now = loop_.clock().Mono();
  const auto worth = [now](const SecondLooks& looks) { return looks.past(now) ? 0 : looks.count; };
  SecondLooks& looks = second_looks_.FindOrAdd(domain, {}, worth);
  if (looks.past(now)) looks = {.since = now};
  ++looks.count;
}

// Nothing: the question waits for a probe.
std::optional<Verdict> Verifier::RecallRecord(const Question& question, const Record& record, Freshness freshness) {
  const absl::Time now = loop_.clock().Now();
  if (question.fresh) return std::nullopt;
  const bool due = freshness == Freshness::kRefresh;
  // A temporary answer that is due again says nothing worth hearing.
  if (due && record.finding.deliverability == Deliverability::kUnknown) return std::nullopt;
  // Under stress there is no patience, and so no second look.
  if (question.patience > absl::ZeroDuration() && SecondLookOf(record, settings_->lifetimes) <= now &&
      SecondLookAllowed(question.address.domain())) {
    return std::nullopt;
  }
  Verdict verdict = memory_.FromRecord(record);
  verdict.refreshing = due;
  if (due) RefreshBehind(question);
  return verdict;
}

std::optional<Verdict> Verifier::RecallByPostfixRule(const Question& question) {
  const absl::Time now = loop_.clock().Now();
  const std::string key = question.address.Key();
  PostfixAnswer answer = AskByPostfixRule(cache_.FindRecord(key), settings_->lifetimes, settings_->negative_cache, now);
  std::optional<Verdict> verdict;
  if (answer.finding.has_value()) verdict = Known(VerdictSource::kRecord, *answer.finding, now);
  if (question.fresh) return std::nullopt;
  if (verdict.has_value()) {
    verdict->refreshing = answer.probe;
    if (answer.probe) {
      if (answer.record.has_value()) cache_.PutRecord(key, *answer.record);
      RefreshBehind(question);
    }
  } else if (!answer.probe && settings_->negative_cache && !flights_.InTheAir(key)) {
    verdict = InProgress();  // its probe was lost; it is not repeated yet
  }
  return verdict;
}

// By verify(8)'s rule it is remembered that a probe is in the air, lest it be repeated; by ours second looks are
// counted.
void Verifier::NoteProbe(const Address& address, const Memory::Held& held) {
  if (!settings_->postfix_policy) {
    const std::optional<Record>& record = held.record;
    const bool negative = record.has_value() && record->finding.deliverability == Deliverability::kUndeliverable;
    if (negative) NoteSecondLook(address.domain());
    return;
  }
  const std::string key = address.Key();
  const PostfixAnswer answer =
      AskByPostfixRule(cache_.FindRecord(key), settings_->lifetimes, settings_->negative_cache, loop_.clock().Now());
  if (answer.record.has_value()) cache_.PutRecord(key, *answer.record);
}

void Verifier::TakeIn(std::shared_ptr<const RouteChange> change) {
  if (change == nullptr) return;
  ++routes_;
  route_change_ = route_change_ == nullptr ? std::move(change) : RouteChange::Joined(*route_change_, *change);
  loop_.Spawn(Spread(route_change_));
}

boost::asio::awaitable<void> Verifier::Spread(std::shared_ptr<const RouteChange> change) {
  const RouteChange::Counts counts =
      co_await RouteChange::HeedAll(loop_, cache_, change, [this, &change] { return route_change_ != change; });
  if (route_change_ == change) route_change_ = nullptr;
  if (counts.dropped + counts.due == 0) co_return;
  LogInfo(absl::StrCat("routes have changed: ", counts.dropped, " findings dropped, ", counts.due,
                       " accepted addresses due for a refresh"));
}

void Verifier::HeedRouteChange(const Address& address) {
  if (route_change_ != nullptr) route_change_->Heed(cache_, address);
}

// Nobody was asked.
void Verifier::ForgetProbe(const Address& address) {
  if (!settings_->postfix_policy) return Forgo(address, kForgone);
  const std::string key = address.Key();
  std::optional<Record> record = cache_.FindRecord(key);
  if (!record.has_value()) return;
  record->next_probe = absl::InfiniteFuture();
  const bool found_nothing_yet = record->finding.when == absl::InfinitePast();
  if (found_nothing_yet) {
    cache_.DeleteRecord(key);
  } else {
    cache_.PutRecord(key, *record);
  }
}

std::optional<Verdict> Verifier::Recall(const Question& question) {
  HeedRouteChange(question.address);
  return Recall(question, memory_.Find(question.address));
}

std::optional<Verdict> Verifier::Recall(const Question& question, const Memory::Held& held) {
  if (held.record.has_value()) cache_.NoteAsked(question.address.Key());
  std::optional<Verdict> verdict = memory_.Overruling(question, held);
  if (!verdict.has_value()) {
    if (question.memory_only) {
      verdict = memory_.FoundOut(question.address, held);
    } else if (settings_->postfix_policy) {
      verdict = RecallByPostfixRule(question);
    } else if (held.live()) {
      verdict = RecallRecord(question, *held.record, held.record_freshness);
    } else if (!question.fresh) {
      verdict = memory_.FromDomain(question.address.domain());
    }
    if (!verdict.has_value() && !settings_->postfix_policy && !held.live()) verdict = TakeUnheard(question);
  }
  if (!verdict.has_value() && question.memory_only) verdict.emplace();
  if (verdict.has_value()) metrics_.questions(verdict->source).Increment();
  return verdict;
}

// What a probe has found for somebody who had no patience left, where negatives are not kept.
std::optional<Verdict> Verifier::TakeUnheard(const Question& question) {
  if (unheard_.size() == 0) return std::nullopt;
  const std::string key = question.address.Key();
  const Unheard* const unheard = unheard_.Find(key);
  if (unheard == nullptr) return std::nullopt;
  std::optional<Verdict> verdict;
  if (loop_.clock().Mono() - unheard->when <= kUnheard && !question.fresh) verdict = unheard->verdict;
  unheard_.Erase(key);
  return verdict;
}

void Verifier::Ask(Question question, absl::AnyInvocable<void(Verdict&&)> answer) {
  Ask(std::move(question), std::move(answer), /*again=*/false);
}

// Who joined a flight is not answered by another one's budget: he asks once more himself (`again`).
void Verifier::Ask(Question question, absl::AnyInvocable<void(Verdict&&)> answer, bool again) {
  HeedRouteChange(question.address);
  const Memory::Held held = memory_.Find(question.address);
  if (std::optional<Verdict> recalled = Recall(question, held)) return answer(*std::move(recalled));
  std::string key = question.address.Key();
  const bool flying = flights_.InTheAir(key);
  const Shares::Party party = parties_.NumberOf(question.address.domain());
  if (!HasRoom(question.address, party, flying)) {
    metrics_.overload().Increment();
    return answer(Fallback(question).value_or(Overload(loop_.clock().Now())));
  }
  Ticket ticket = flights_.Join(std::move(key), party);
  std::optional<ProbeRequest> request;
  if (ticket.leads()) {
    NoteChoice(question);
    NoteProbe(question.address, held);
    request = RequestFor(question);
  } else {
    metrics_.joined().Increment();
  }
  if (question.patience <= absl::ZeroDuration()) {
    if (ticket.leads()) loop_.Spawn(Fly(*std::move(ticket.landing), *std::move(request)));
    return answer(Told(question, ticket.flight->told_so_far()));
  }
  const absl::Duration patience = question.patience;
  const bool to_its_end = question.wants_catch_all;
  flights_.Wait(
      *ticket.flight, patience,
      [this, again, began = loop_.clock().Mono(), question = std::move(question),
       answer = std::move(answer)](const Verdict* verdict) mutable {
        const bool others = verdict != nullptr && verdict->declined_for.value_or(question.asker) != question.asker;
        if (again || !others) return answer(Told(question, verdict));
        question.patience -= loop_.clock().Mono() - began;
        Ask(std::move(question), std::move(answer), /*again=*/true);
      },
      to_its_end);
  if (ticket.leads()) loop_.Spawn(Fly(*std::move(ticket.landing), *std::move(request)));
}

// Whether one more who waits, and a flight where none is in the air, is within the limits. What only the operator's own
// domains may have is looked at last: whether the domain is one of them costs more than the count of its flights.
bool Verifier::HasRoom(const Address& address, Shares::Party party, bool flying) const {
  const auto has_room = [&](bool ours) {
    return flights_.MayWait(party, ours) && (flying || flights_.MayFly(party, ours));
  };
  return has_room(/*ours=*/false) || (has_room(/*ours=*/true) && IsNamed(address));
}

// Of a flight that has landed, or not in time.
Verdict Verifier::Told(const Question& question, const Verdict* verdict) {
  if (verdict == nullptr) {
    metrics_.in_progress().Increment();
    return Fallback(question).value_or(InProgress());
  }
  if (unheard_.size() > 0) unheard_.Erase(question.address.Key());
  metrics_.questions(verdict->source).Increment();
  Verdict told = *verdict;
  if (!question.transcript) told.transcript.clear();
  return told;
}

boost::asio::awaitable<Verdict> Verifier::Verify(Question question) {
  const OneShot<Verdict> answer(loop_);
  Ask(std::move(question), [answer](Verdict&& verdict) { answer.Set(std::move(verdict)); });
  co_await answer.Wait();
  co_return std::move(*answer);
}

bool Verifier::HasRoomForLists() const {
  return flights_.waiting() < settings_->waiter_limit / 2 && flights_.size() < settings_->flight_limit / 2 &&
         prober_.untaken() < kMostInTheMail;
}

std::optional<Verdict> Verifier::Fallback(const Question& question) const {
  if (settings_->postfix_policy || question.fresh) return std::nullopt;
  const absl::Time now = loop_.clock().Now();
  const Memory::Held held = memory_.Find(question.address);
  if (!held.record.has_value()) return std::nullopt;
  const bool definite = held.live() && held.record->finding.definite();
  if (!definite && !Lingers(*held.record, settings_->lifetimes, now)) return std::nullopt;
  return memory_.FromRecord(*held.record);
}

// A retry comes as who came first, as long as the sender of then is still one of ours: a greylisting server knows it by
// that, and our own gateway must know it again, too.
ProbeRequest Verifier::RequestFor(const Question& question) const {
  const absl::Time now = loop_.clock().Now();
  ProbeRequest request;
  request.address = question.address;
  request.urgency = question.urgency;
  request.deadline = loop_.clock().Mono() + settings_->probe_time_limit;
  request.identity.sender = settings_->probe_sender.At(now);
  request.identity.helo = settings_->helo;
  request.transcript = question.transcript || settings_->keep_dialogues;
  request.ours = IsNamed(question.address);
  request.asker = question.asker;
  request.ask_catch_all = CatchAllWanted(question.address);
  if (request.ask_catch_all != AskCatchAll::kNo) {
    const std::optional<DomainFact> fact = cache_.FindDomainFact(question.address.domain());
    const bool known = fact.has_value() && CatchAllOf(*fact, settings_->lifetimes, now) != CatchAll::kNotAsked;
    if (known) request.ask_catch_all = AskCatchAll::kNo;
  }
  const std::optional<Record> record = cache_.FindRecord(question.address.Key());
  if (record.has_value() && record->retry_identity.has_value() &&
      (record->retry_identity->sender == request.identity.sender ||
       settings_->probe_sender.IsOurs(record->retry_identity->sender, now))) {
    request.identity = *record->retry_identity;
  }
  return request;
}

AskCatchAll Verifier::CatchAllWanted(const Address& address) const {
  return settings_->catch_all_domains.Contains(address) ? AskCatchAll::kAlways : settings_->catch_all;
}

void Verifier::RefreshBehind(const Question& question) {
  if (flights_.InTheAir(question.address.Key())) return;
  if (!HasRoom(question.address, parties_.NumberOf(question.address.domain()), /*flying=*/false)) return;
  metrics_.refreshes().Increment();
  NoteChoice(question);
  LookAgain(
      question.address, Urgency::kRefresh, [] {}, question.asker);
}

void Verifier::NoteChoice(const Question& question) {
  if (!question.any_domain || settings_->verify_domains.Contains(question.address)) return;
  // Who was asked about last is worth most.
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
  const std::optional<Record> record = cache_.FindRecord(address.Key());
  return record.has_value() && record->on_agenda() && record->next_probe <= now && !flights_.InTheAir(address.Key());
}

// The probe that was planned is not made: after `pause` it may be, or, where that is without end, never.
void Verifier::Forgo(const Address& address, absl::Duration pause) {
  std::optional<Record> record = cache_.FindRecord(address.Key());
  if (!record.has_value() || !record->on_agenda()) return;
  record->next_probe = loop_.clock().Now() + pause;
  cache_.PutRecord(address.Key(), *record);
}

void Verifier::LookAgain(Address address, Urgency urgency, absl::AnyInvocable<void()> done, uint64_t asker) {
  const Memory::Held held = memory_.Find(address);
  if (held.pin.has_value() || !IsOurs(address)) {
    Forgo(address, absl::InfiniteDuration());
    return done();
  }
  if (held.hold.has_value()) {
    Forgo(address, kForgone);
    return done();
  }
  Ticket ticket = flights_.Join(address.Key(), parties_.NumberOf(address.domain()));
  if (!ticket.leads()) return done();
  Question question;
  question.address = std::move(address);
  question.urgency = urgency;
  question.asker = asker;
  flights_.Wait(*ticket.flight, absl::InfiniteDuration(),
                [done = std::move(done)](const Verdict* /*verdict*/) mutable { done(); });
  loop_.Spawn(Fly(*std::move(ticket.landing), RequestFor(question)));
}

// Ends when it is known where to ask: what a question in the air keeps here until it lands is no coroutine.
boost::asio::awaitable<void> Verifier::Fly(Landing landing, ProbeRequest request) {
  co_await flights_.Enter(landing.flight());
  Prober::Accepted accepted;
  if (request.ask_catch_all != AskCatchAll::kNo) {
    accepted = [this, flight = landing.flight().shared_from_this(), address = request.address](const Finding& finding) {
      TellAccepted(*flight, address, finding);
    };
  }
  co_await prober_.Begin(
      std::move(request),
      [this, landing = std::move(landing), routes = routes_](ProbeRequest&& asked, ProbeOutcome&& outcome) mutable {
        loop_.Spawn(Land(std::move(landing), routes, std::move(asked), std::move(outcome)));
      },
      std::move(accepted));
}

// A coroutine of ours has failed, and the loop has logged why. What is known of the address still holds.
Verdict Verifier::Failed(const Flight& flight) {
  metrics_.internal_errors().Increment();
  if (const absl::StatusOr<Address> address = Address::FromUnquoted(flight.key); address.ok()) {
    ForgetProbe(*address);
    Verdict standing = Standing(*address);
    if (standing.state == VerdictState::kKnown) return standing;
  }
  return OwnFailure(loop_.clock().Now());
}

// Nothing is learned yet. What the operator has said since the probe began is told when it has ended.
void Verifier::TellAccepted(Flight& flight, const Address& address, const Finding& finding) {
  const absl::Time now = loop_.clock().Now();
  const Memory::Held held = memory_.Find(address);
  if (held.pin.has_value() || held.hold.has_value()) return;
  flights_.Accept(flight, Known(VerdictSource::kProbe, finding, now));
}

boost::asio::awaitable<void> Verifier::Land(Landing landing, uint64_t routes, ProbeRequest request,
                                            ProbeOutcome outcome) {
  const Address address = request.address;
  std::vector<TranscriptLine> transcript = std::move(outcome.transcript);
  // By verify(8)'s rule it is remembered that there was a probe, so its answer has to be, too.
  const bool declined = outcome.declined && !settings_->postfix_policy;
  const bool stale =
      routes != routes_ && outcome.finding.deliverability != Deliverability::kDeliverable && !settings_->postfix_policy;
  const bool told_of_address = !declined && !stale && !outcome.on_hold;
  const absl::Time now = loop_.clock().Now();
  Verdict verdict;
  if (outcome.not_verifiable) {
    verdict = NotVerifiable(std::move(outcome.finding.text));
    Forgo(address, absl::InfiniteDuration());
  } else if (outcome.on_hold) {
    LogProbe("probe", address, outcome);
    verdict = memory_.OnHold(address, memory_.Find(address));
    ForgetProbe(address);
  } else if (declined || stale) {
    LogProbe("probe", address, outcome);
    verdict = Standing(address);
    if (verdict.state != VerdictState::kKnown) verdict = Known(VerdictSource::kProbe, outcome.finding, now);
    if (declined) verdict.declined_for = request.asker;
    // What is planned comes later, but not because somebody asked in vain.
    if (request.urgency == Urgency::kRetry) Forgo(address, kForgone);
  } else {
    metrics_.probes(outcome.finding.deliverability).Increment();
    LogProbe("probe", address, outcome);
    verdict = co_await Learn(std::move(request), std::move(outcome));
  }
  if (!settings_->negative_cache && !landing.flight().awaited() && told_of_address) {
    const auto worth = [](const Unheard& unheard) { return unheard.when; };
    unheard_.FindOrAdd(address.Key(), {}, worth) = {.when = loop_.clock().Mono(), .verdict = verdict};
  }
  if (settings_->keep_dialogues && verdict.deliverability() != Deliverability::kDeliverable && !transcript.empty()) {
    dialogues_.Keep(address.Key(), {loop_.clock().Now(), transcript});
  }
  verdict.transcript = std::move(transcript);
  landing.Land(std::move(verdict));
}

boost::asio::awaitable<void> Verifier::TakeInReport(Address address, Finding finding) {
  Question question;
  question.address = address;
  ProbeRequest request = RequestFor(question);
  ProbeOutcome outcome;
  outcome.finding = std::move(finding);
  outcome.finding.source = FindingSource::kReported;
  // A retry that it promises will be ours.
  outcome.identity = request.identity;
  LogProbe("update", address, outcome);
  co_await Learn(std::move(request), std::move(outcome));
}

Guard::Before Verifier::Before(const Memory::Held& held) {
  const bool positive = held.live() && held.record->finding.deliverability == Deliverability::kDeliverable;
  if (!positive) return Guard::Before::kNothing;
  return held.record->pending.has_value() ? Guard::Before::kContradicted : Guard::Before::kPositive;
}

std::optional<Imported> Verifier::WeighDelivery(const Address& address, const Finding& finding) const {
  const bool positive = finding.deliverability == Deliverability::kDeliverable;
  if (!finding.definite() || finding.scope != Scope::kAddress || !(positive || settings_->negative_cache)) {
    return std::nullopt;
  }
  const NamedRecord named{.key = address.Key(), .record = Merge(std::nullopt, finding, settings_->lifetimes)};
  return WeighRecord(cache_, named, settings_->lifetimes, loop_.clock().Now());
}

boost::asio::awaitable<std::optional<Route>> Verifier::FindRoute(Address address, MonoTime deadline) {
  return prober_.FindRoute(std::move(address), settings_->probe_sender.At(loop_.clock().Now()), deadline);
}

// What a probe would know of catch-all: where it would have asked and nobody has, nothing can be told.
CatchAll Verifier::KnownCatchAll(const Address& address, const ProbeOutcome& outcome) const {
  const std::optional<DomainFact> fact = cache_.FindDomainFact(address.domain());
  if (fact.has_value() && fact->catch_all_at == outcome.destination) {
    const CatchAll known = CatchAllOf(*fact, settings_->lifetimes, loop_.clock().Now());
    if (known != CatchAll::kNotAsked) return known;
  }
  const AskCatchAll wanted = CatchAllWanted(address);
  const bool asks =
      wanted == AskCatchAll::kAlways || (wanted == AskCatchAll::kOnConfiguredRoutes && outcome.configured_route);
  return asks ? CatchAll::kCouldNotTell : CatchAll::kNotAsked;
}

std::optional<Imported> Verifier::TakeInDelivery(const Address& address, const ProbeOutcome& outcome, bool dry_run) {
  const std::optional<Imported> becomes = WeighDelivery(address, outcome.finding);
  if (becomes != Imported::kTaken) return becomes;
  skipped_.Observe(loop_.clock());
  const absl::Time now = loop_.clock().Now();
  const Memory::Held before = memory_.Find(address);
  if (before.hold.has_value()) return std::nullopt;
  if (!dry_run) guard_.NoteReport(address, outcome, Before(before));
  if (!guard_.BelievesReport(address, outcome)) return std::nullopt;
  if (dry_run) return becomes;
  const Finding finding = WithCatchAll(outcome.finding, KnownCatchAll(address, outcome));
  const std::string key = address.Key();
  const NamedRecord named{.key = key, .record = Merge(std::nullopt, finding, settings_->lifetimes)};
  const Imported became = ImportRecord(cache_, named, settings_->lifetimes, now, skipped_);
  const std::optional<Record> record = cache_.FindRecord(key);
  if (record.has_value() && record->on_agenda() && planned_) planned_(record->next_probe);
  return became;
}

// What the probe has found becomes part of memory, and what is held true now is the answer.
boost::asio::awaitable<Verdict> Verifier::Learn(ProbeRequest request, ProbeOutcome outcome) {
  const Address address = request.address;
  const std::string key = address.Key();
  Finding finding = outcome.finding;
  if (settings_->postfix_policy) {
    finding = ByClassDigit(std::move(finding));
    const bool stored = settings_->negative_cache || finding.deliverability == Deliverability::kDeliverable;
    if (const auto record = UpdateByPostfixRule(cache_.FindRecord(key), finding); stored && record.has_value()) {
      cache_.PutRecord(key, *record);
    }
    co_return Known(VerdictSource::kProbe, finding, loop_.clock().Now());
  }
  const Memory::Held before = memory_.Find(address);
  if (before.hold.has_value()) {  // since the probe began
    co_return memory_.OnHold(address, before);
  }
  finding = co_await guard_.Judge(std::move(request), outcome, Before(before));
  skipped_.Observe(loop_.clock());
  std::optional<DomainFact> held = cache_.FindDomainFact(address.domain());
  finding = TakeInDomain(address, outcome, std::move(finding), held);
  finding = Promoted(address, Annotated(address, outcome, std::move(finding), std::move(held)));
  TakeIn(address, outcome, finding);
  Verdict verdict = Standing(address);
  if (verdict.state != VerdictState::kKnown) verdict = Known(VerdictSource::kProbe, finding, loop_.clock().Now());
  if (verdict.finding.when == finding.when && verdict.finding.reason == finding.reason) {
    verdict.source = VerdictSource::kProbe;
  }
  co_return verdict;
}

// What is known of catch-all goes with a positive: whether it says anything about the one address.
Finding Verifier::Annotated(const Address& address, const ProbeOutcome& outcome, Finding finding,
                            std::optional<DomainFact> held) {
  const absl::Time now = loop_.clock().Now();
  if (outcome.catch_all != CatchAll::kNotAsked) {
    DomainFact fact;
    fact.domain = address.domain();
    fact.catch_all = outcome.catch_all;
    fact.catch_all_when = now;
    fact.catch_all_at = outcome.destination;
    held = MergeFact(held, fact, settings_->lifetimes, now);
    cache_.PutDomainFact(*held);
  }
  if (finding.reason != Reason::kAccepted || !held.has_value()) return finding;
  if (held->catch_all != CatchAll::kNotAsked && held->catch_all_at != outcome.destination) {
    // The domain has moved: what was found out elsewhere counts no more, and the next probe asks anew.
    held->catch_all = CatchAll::kNotAsked;
    cache_.PutDomainFact(*held);
    return finding;
  }
  return WithCatchAll(std::move(finding), CatchAllOf(*held, settings_->lifetimes, now));
}

// A server that says 4yz "unknown user" day after day means it. Only where the operator wants that.
Finding Verifier::Promoted(const Address& address, Finding finding) const {
  if (!settings_->promote_persistent || finding.reason != Reason::kNoSuchUserTemporary) return finding;
  const std::optional<Record> record = cache_.FindRecord(address.Key());
  if (!record.has_value() || record->temporary_count + 1 < kPersistentAnswers ||
      skipped_.Between(record->first_temporary, finding.when) < kPersistentTime) {
    return finding;
  }
  const bool nothing_else = std::all_of(record->history.begin(), record->history.end(), [](const PastFinding& past) {
    return past.reason == Reason::kNoSuchUserTemporary;
  });
  if (!nothing_else) return finding;
  const ReasonRow& row = RowOf(Reason::kNoSuchUserPersistent);
  finding.deliverability = row.deliverability;
  finding.reason = row.reason;
  finding.scope = row.scope;
  return finding;
}

// What may be said of the address: a negative about its domain that waits for a second one is temporary. `held` is what
// is kept of the domain, before and after.
Finding Verifier::TakeInDomain(const Address& address, const ProbeOutcome& outcome, Finding finding,
                               std::optional<DomainFact>& held) {
  const absl::Time now = loop_.clock().Now();
  if (outcome.relay_denied_everywhere) return TakeInNotHosted(address, finding, held);
  if (outcome.domain_fact == nullptr) {
    const bool talked = finding.code != 0 && finding.stage >= Stage::kMail && finding.reason != Reason::kRelayDenied;
    if (!talked || (held.has_value() && held->alive <= now && now - held->alive < kAliveStep)) return finding;
    DomainFact alive;
    alive.domain = address.domain();
    alive.alive = now;
    held = MergeFact(held, alive, settings_->lifetimes, now, skipped_);
    cache_.PutDomainFact(*held);
    return finding;
  }
  held = MergeFact(held, *outcome.domain_fact, settings_->lifetimes, now, skipped_);
  cache_.PutDomainFact(*held);
  if (held->decides() || !outcome.domain_fact->decides()) return finding;
  return ToFinding(ClassificationOf(Reason::kDnsTemporary, "domain.second_opinion"), finding.stage,
                   absl::StrCat("not believed yet, as the domain had mail servers not long ago: ", finding.text),
                   finding.when);
}

// All MX say that they do not relay for the domain: said twice, it is hosted nowhere.
Finding Verifier::TakeInNotHosted(const Address& address, const Finding& finding, std::optional<DomainFact>& held) {
  DomainFact fact;
  fact.domain = address.domain();
  fact.finding =
      ToFinding(ClassificationOf(Reason::kDomainNotHosted, "domain.not_hosted"), finding.stage,
                cache_.pseudonyms() != nullptr ? MaskedReply(finding.text, address.Key()) : finding.text, finding.when);
  fact.finding.code = finding.code;
  fact.finding.enhanced = finding.enhanced;
  fact.finding.mx_name = finding.mx_name;
  fact.finding.mx_address = finding.mx_address;
  fact.ttl = absl::InfiniteDuration();
  held = MergeFact(held, fact, settings_->lifetimes, loop_.clock().Now(), skipped_);
  cache_.PutDomainFact(*held);
  return held->decides() ? held->finding : finding;
}

// The next try where the server has promised to think again: as whom, and when.
void Verifier::PlanRetry(const Address& address, Record& record, const Record* held, const ProbeOutcome& outcome) {
  const Finding& finding = record.finding;
  if (finding.reason == Reason::kNone || finding.when != outcome.finding.when) return;
  // A server that was not given its time gets it later, but the agenda is not for those who only stay silent.
  const bool hurried =
      outcome.hurried && finding.reason == Reason::kBannerTimeout && hurried_again_.Take(1, loop_.clock().Mono()) > 0;
  if (!hurried && RowOf(finding.reason).cache_class != CacheClass::kSchedule) return;
  const bool same = held != nullptr && held->retry_identity == outcome.identity;
  record.retry_identity = outcome.identity;
  // As often as it is worth it; then the next question begins anew.
  if (record.temporary_count > (same ? kMaxRetries : 2 * kMaxRetries)) {
    record.retry_identity.reset();
    return;
  }
  // The time is one that the server names, not one that stands in the address.
  const std::string said = AddressForms(address.local()).Marked(finding.text);
  const absl::Duration pause = RetryDelayIn(said).value_or(kRetryDelay) + kRetryMargin;
  record.next_probe = finding.when + pause;
}

void Verifier::TakeIn(const Address& address, const ProbeOutcome& outcome, const Finding& finding) {
  const std::string key = address.Key();
  const std::optional<Record> held = cache_.FindRecord(key);
  // What is true of the whole domain is kept once, not for every address that was asked, unless it speaks against what
  // is known of this one.
  if (finding.definite() && finding.scope == Scope::kDomain && !held.has_value()) {
    const std::optional<DomainFact> fact = cache_.FindDomainFact(address.domain());
    if (fact.has_value() && fact->decides()) return;
  }
  Record record = Merge(held, finding, settings_->lifetimes, skipped_);
  PlanRetry(address, record, held.has_value() ? &*held : nullptr, outcome);
  if (!settings_->negative_cache && record.finding.deliverability != Deliverability::kDeliverable) {
    cache_.DeleteRecord(key);
    return;
  }
  cache_.PutRecord(key, record);
  if (record.on_agenda() && planned_) planned_(record.next_probe);
}

Verdict Verifier::Standing(const Address& address) const {
  const Memory::Held held = memory_.Find(address);
  if (held.pin.has_value()) return memory_.FromPin(*held.pin);
  if (held.live()) return memory_.FromRecord(*held.record);
  return memory_.FromDomain(address.domain()).value_or(InProgress());
}

}  // namespace verifyd
