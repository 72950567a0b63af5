#include "probe/prober.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/gather.h"
#include "base/loop_bound.h"
#include "base/mailbox.h"
#include "base/one_shot.h"
#include "base/shares.h"
#include "classifier/reason.h"
#include "mail/event.h"
#include "mail/referral.h"
#include "probe/alarms.h"
#include "probe/destination_set.h"
#include "probe/destination_settings.h"
#include "probe/dialogue.h"
#include "probe/router.h"

namespace verifyd {
namespace {

// The prober loop gives up a little before the asker does, so that its finding, which says where the time went, is the
// one that arrives.
constexpr absl::Duration kHandOver = absl::Milliseconds(50);

// Returns the outcome of a probe that failed inside verifyd.
ProbeOutcome OwnFailure(const ProbeRequest& request, absl::Time now) {
  ProbeOutcome outcome;
  outcome.finding = ToFinding(Classifier::Classify(Event::kLocalError, Stage::kDns), Stage::kDns,
                              "verification failed inside verifyd; its log says why", now);
  outcome.identity = request.identity;
  return outcome;
}

// Returns the outcome of a probe that is not handed over, as too many wait at its destination.
ProbeOutcome TooMany(const ProbeRequest& request, const Route& route, absl::Duration dns, absl::Time now) {
  ProbeOutcome outcome;
  outcome.finding = ToFinding(Classifier::Classify(Event::kOverload, Stage::kConnect), Stage::kConnect,
                              absl::StrCat("too many addresses wait to be asked about at ", route.destination), now);
  outcome.destination = route.destination;
  outcome.configured_route = route.configured;
  outcome.identity = request.identity;
  outcome.delays.dns = dns;
  outcome.declined = true;
  return outcome;
}

}  // namespace

struct Prober::Impl : std::enable_shared_from_this<Prober::Impl> {
  // The answer that is owed for a probe, whatever befalls it. If it was not given, as a coroutine of ours has failed,
  // its destructor gives one that says so.
  class Owed {
   public:
    Owed(std::shared_ptr<Impl> home, ProbeRequest request, Answer answer)
        : home_(std::move(home)), request_(std::move(request)), answer_(std::move(answer)) {}
    Owed(Owed&&) = default;
    Owed& operator=(Owed&&) = delete;
    ~Owed() {
      if (home_ != nullptr) home_->AnswerFailed(std::move(request_), std::move(answer_));
    }

    // Do not call it after Give.
    const ProbeRequest& request() const { return request_; }
    void Refer(Referral referral) { request_.referral = std::make_shared<const Referral>(std::move(referral)); }
    void Give(ProbeOutcome outcome) {
      home_.reset();
      answer_(std::move(request_), std::move(outcome));
    }

   private:
    std::shared_ptr<Impl> home_;  // null: given, or moved from
    ProbeRequest request_;
    Answer answer_;
  };

  // The front loop's part of a probe in the air.
  struct Awaited {
    Awaited(Owed owed, Accepted accepted, Timers& timers)
        : owed(std::move(owed)), accepted(std::move(accepted)), deadline(timers) {}
    // Returns the outcome if none comes in time.
    ProbeOutcome Late(const Clock& clock);

    Owed owed;
    Accepted accepted;
    Timer deadline;
    std::string destination;
    Shares::Party party = 0;  // of the places in the air
    absl::Duration dns;
    MonoTime handed_over;
  };

  // Touched on its own loop only.
  struct Place {
    Loop& loop;
    std::shared_ptr<DestinationSet> destinations;
    Mailbox mail;  // to this loop
  };

  Impl(Loop& front, Resolver& resolver)
      : front(front),
        mail(front),
        services(MakeSocketDialer(front)),
        alarms(front.clock()),
        router(front, resolver, *services, alarms) {}

  // These lead from one loop to the other. On the same loop a call does; whatever it wakes runs on a later turn.
  void ToPlace(Place& place, absl::AnyInvocable<void()> what) const {
    if (&front == &place.loop) return what();
    place.mail.Post(std::move(what));
  }
  void ToFront(const Loop& from, absl::AnyInvocable<void()> what) {
    if (&front == &from) return what();
    mail.Post(std::move(what));
  }
  size_t NumberOf(absl::string_view destination) const {
    return absl::Hash<absl::string_view>()(destination) % places.size();
  }
  Place& PlaceOf(absl::string_view destination) { return places[NumberOf(destination)]; }

  static boost::asio::awaitable<std::vector<DestinationActivity>> ActivityAt(std::shared_ptr<Impl> self, Place& place,
                                                                             std::string name);
  // True when all there is idle, false when `deadline` came first.
  static boost::asio::awaitable<bool> Drained(std::shared_ptr<Impl> self, Place& place, MonoTime deadline);
  static boost::asio::awaitable<void> Begin(std::shared_ptr<Impl> self, Owed owed, Accepted accepted);
  // Answers on a later turn of the loop, as an exception may be under way.
  void AnswerFailed(ProbeRequest request, Answer answer);
  // Tells the operator of our own trouble that a dialogue, or the lack of one, has shown.
  void ReportOwnTrouble(const ProbeRequest& request, ProbeOutcome& outcome);
  // `address` is the one to ask about, after rewriting.
  void HandOver(Owed owed, Address address, Route route, Dialogue dialogue, absl::Duration dns, Accepted accepted);
  // Fills in what is remembered: the job's destination is not known on its loop.
  void Recall(std::unique_ptr<ProbeJob> job);
  std::optional<DestinationState> Recall(const std::string& name) const {
    return recall.destination ? recall.destination(name) : std::nullopt;
  }
  StateObserver ObserverOn(const Loop& loop);
  // `outcome` null: it did not come in time.
  void TakeIn(uint64_t number, std::unique_ptr<ProbeOutcome> outcome);
  void TakeAccepted(uint64_t number, const Finding& finding);

  Loop& front;
  [[no_unique_address]] LoopBound bound{front};
  Mailbox mail;  // to the front loop
  const std::shared_ptr<ProbeCounters> counters = std::make_shared<ProbeCounters>();
  std::atomic<uint64_t> probes{0};
  // Front loop.
  const std::unique_ptr<Dialer> services;  // Postfix's own, and servers of tables
  Alarms alarms;
  Router router;
  std::shared_ptr<const ProbeSettings> settings;
  std::shared_ptr<const Classifier> classifier;
  StateObserver observer;
  StateRecall recall;
  bool ended = false;  // nobody is answered any more
  uint64_t last_number = 0;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Awaited>> in_the_air;
  Shares air{ProbeSettings().in_the_air_limit};  // by destination
  std::vector<Place> places;
};

ProbeOutcome Prober::Impl::Awaited::Late(const Clock& clock) {
  ProbeOutcome outcome;
  outcome.finding = ToFinding(Classifier::Classify(Event::kDeadline, Stage::kConnect), Stage::kConnect,
                              absl::StrCat("no answer from ", destination, " in time"), clock.Now());
  outcome.destination = std::move(destination);
  outcome.identity = owed.request().identity;
  outcome.delays.dns = dns;
  outcome.delays.queue = clock.Mono() - handed_over;
  return outcome;
}

// Returns an observer for what lives on `loop`; it passes the reports on to the front loop.
StateObserver Prober::Impl::ObserverOn(const Loop& loop) {
  const auto tell = [weak = weak_from_this(), &loop](const auto& state, auto StateObserver::*whom) {
    const std::shared_ptr<Impl> impl = weak.lock();
    if (impl == nullptr) return;
    impl->ToFront(loop, [impl, state, whom] {
      if (impl->observer.*whom) (impl->observer.*whom)(state);
    });
  };
  return {.destination = [tell](const DestinationState& state) { tell(state, &StateObserver::destination); },
          .domain = [tell](const DomainBreaker& state) { tell(state, &StateObserver::domain); }};
}

Prober::Prober(Loop& front, Resolver& resolver, const std::vector<Shard>& shards)
    : Source(front), impl_(std::make_shared<Impl>(front, resolver)) {
  for (const Shard& shard : shards) {
    const auto recall = [weak = std::weak_ptr<Impl>(impl_), &loop = shard.loop](std::unique_ptr<ProbeJob> job) {
      const std::shared_ptr<Impl> impl = weak.lock();
      if (impl == nullptr) return;
      impl->ToFront(loop, [impl, job = std::move(job)]() mutable { impl->Recall(std::move(job)); });
    };
    impl_->places.push_back({shard.loop,
                             std::make_shared<DestinationSet>(shard.loop, shard.dialer, impl_->counters,
                                                              impl_->ObserverOn(shard.loop), recall),
                             Mailbox(shard.loop)});
  }
}

Prober::~Prober() {
  impl_->ended = true;
  impl_->in_the_air.clear();
  // The timers of destinations belong to their loops, so destinations end there.
  for (Impl::Place& place : impl_->places) {
    impl_->ToPlace(place, [last = std::exchange(place.destinations, nullptr)]() mutable { last.reset(); });
  }
}

void Prober::Configure(std::shared_ptr<const ProbeSettings> settings, std::shared_ptr<const Classifier> classifier) {
  impl_->bound.Check();
  impl_->settings = std::move(settings);
  impl_->air.SetPlaces(impl_->settings->in_the_air_limit);
  impl_->classifier = std::move(classifier);
  impl_->alarms.Renew();
}

std::vector<std::string> Prober::StandingAlarms() const {
  impl_->bound.Check();
  return impl_->alarms.Standing();
}

Alarms& Prober::alarms() { return impl_->alarms; }

void Prober::SetObserver(StateObserver observer) {
  impl_->bound.Check();
  impl_->observer = std::move(observer);
}

void Prober::SetRecall(StateRecall recall) {
  impl_->bound.Check();
  impl_->recall = std::move(recall);
}

void Prober::Restore(std::vector<DestinationState> states, std::vector<DomainBreaker> domains) {
  impl_->bound.Check();
  struct Part {
    std::vector<DestinationState> states;
    std::vector<DomainBreaker> domains;
  };
  std::vector<Part> parts(impl_->places.size());
  for (DestinationState& state : states) parts[impl_->NumberOf(state.name)].states.push_back(std::move(state));
  for (DomainBreaker& domain : domains) {
    parts[impl_->NumberOf(domain.destination)].domains.push_back(std::move(domain));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    Impl::Place& place = impl_->places[i];
    impl_->ToPlace(place, [destinations = place.destinations, part = std::move(parts[i])]() mutable {
      destinations->Restore(std::move(part.states), std::move(part.domains));
    });
  }
}

void Prober::Hold(const std::string& destination, absl::Time until) {
  impl_->bound.Check();
  Impl::Place& place = impl_->PlaceOf(destination);
  impl_->ToPlace(place,
                 [destinations = place.destinations, destination, until, remembered = impl_->Recall(destination)] {
                   destinations->Hold(destination, until, remembered);
                 });
}

void Prober::Reset(const std::string& destination) {
  impl_->bound.Check();
  Impl::Place& place = impl_->PlaceOf(destination);
  impl_->ToPlace(place, [destinations = place.destinations, destination, remembered = impl_->Recall(destination)] {
    destinations->Reset(destination, remembered);
  });
}

boost::asio::awaitable<std::vector<DestinationActivity>> Prober::Impl::ActivityAt(std::shared_ptr<Impl> self,
                                                                                  Place& place, std::string name) {
  const OneShot<std::vector<DestinationActivity>> there(self->front);
  self->ToPlace(place, [self, there, destinations = place.destinations, name, &loop = place.loop] {
    self->ToFront(loop, [there, part = destinations->Activity(name)]() mutable { there.Set(std::move(part)); });
  });
  co_await there.Wait();
  co_return std::move(*there);
}

boost::asio::awaitable<std::vector<DestinationActivity>> Prober::Activity(std::string destination) {
  impl_->bound.Check();
  std::vector<boost::asio::awaitable<std::vector<DestinationActivity>>> asked;
  for (Impl::Place& place : impl_->places) asked.push_back(Impl::ActivityAt(impl_, place, destination));
  std::vector<DestinationActivity> all;
  for (std::vector<DestinationActivity>& part : co_await Gather(impl_->front, std::move(asked))) {
    std::move(part.begin(), part.end(), std::back_inserter(all));
  }
  co_return all;
}

boost::asio::awaitable<void> Prober::Begin(ProbeRequest request, Answer answer, Accepted accepted) {
  impl_->bound.Check();
  return Impl::Begin(impl_, Impl::Owed(impl_, std::move(request), std::move(answer)), std::move(accepted));
}

boost::asio::awaitable<std::optional<Route>> Prober::FindRoute(Address address, std::string sender, MonoTime deadline) {
  impl_->bound.Check();
  const std::shared_ptr<Impl> impl = impl_;
  const std::shared_ptr<const ProbeSettings> now_valid = impl->settings;
  Dialogue dialogue(impl->front.clock(), /*wanted=*/false);
  Routed routed = co_await impl->router.Find(address, sender, *now_valid, deadline, dialogue);
  const bool itself = !routed.rewritten.has_value() || *routed.rewritten == address;
  if (!itself || !routed.stock_verify.empty()) co_return std::nullopt;
  co_return std::move(routed.route);
}

boost::asio::awaitable<void> Prober::Impl::Begin(std::shared_ptr<Impl> self, Owed owed, Accepted accepted) {
  ++self->probes;
  const ProbeRequest& asked = owed.request();
  const Clock& clock = self->front.clock();
  const MonoTime began = clock.Mono();
  const std::shared_ptr<const ProbeSettings> now_valid = self->settings;
  Dialogue dialogue(clock, asked.dialogue);
  Routed routed = co_await self->router.Find(asked.address, asked.identity.sender, *now_valid, asked.deadline, dialogue,
                                             asked.ours ? DnsNeed::kOurs : DnsNeed::kOthers);
  Address address = routed.rewritten.has_value() ? *std::move(routed.rewritten) : asked.address;
  const absl::Duration dns = clock.Mono() - began;
  if (routed.route.has_value() && routed.stock_verify.empty()) {
    self->HandOver(std::move(owed), std::move(address), *std::move(routed.route), std::move(dialogue), dns,
                   std::move(accepted));
    co_return;
  }
  ProbeOutcome outcome;
  outcome.identity = asked.identity;
  outcome.delays.dns = dns;
  if (!routed.stock_verify.empty()) {
    outcome.not_mine = true;
    outcome.finding = ToFinding(Classifier::Classify(Event::kRouteBroken, Stage::kDns), Stage::kDns,
                                "Postfix's verify(8) can not be asked", clock.Now());
    owed.Refer({.service = std::move(routed.stock_verify),
                .address = std::move(address),
                .dns = dns,
                .dialogue = dialogue.Take()});
    co_return owed.Give(std::move(outcome));
  }
  outcome.finding = std::move(routed.finding);
  outcome.domain_fact = std::move(routed.domain_fact);
  outcome.not_verifiable = routed.not_verifiable;
  if (dialogue.wanted()) dialogue.Note(outcome.finding.text);
  outcome.dialogue = dialogue.Take();
  owed.Give(std::move(outcome));
}

void Prober::Impl::AnswerFailed(ProbeRequest request, Answer answer) {
  if (ended) return;
  front.Post([self = shared_from_this(), request = std::move(request), answer = std::move(answer)]() mutable {
    if (self->ended) return;
    ProbeOutcome outcome = OwnFailure(request, self->front.clock().Now());
    answer(std::move(request), std::move(outcome));
  });
}

void Prober::Impl::HandOver(Owed owed, Address address, Route route, Dialogue dialogue, absl::Duration dns,
                            Accepted accepted) {
  const ProbeRequest& request = owed.request();
  const Shares::Party party = absl::HashOf(route.destination);
  if (!air.MayTake(party, route.configured || request.ours)) {
    return owed.Give(TooMany(request, route, dns, front.clock().Now()));
  }
  auto job = std::make_unique<ProbeJob>(request, std::move(route), std::move(dialogue));
  job->request.address = std::move(address);
  if (request.deadline != MonoTime::InfiniteFuture()) {
    const absl::Duration left = std::max(request.deadline - front.clock().Mono(), absl::ZeroDuration());
    job->request.deadline = request.deadline + -std::min(kHandOver, left / 10);
  }
  const std::shared_ptr<const ProbeSettings>& general = job->route.settings != nullptr ? job->route.settings : settings;
  const std::shared_ptr<const ProbeSettings> special =
      general->destinations == nullptr ? nullptr : general->destinations->Find(job->route, job->domain());
  job->settings = special != nullptr ? special : general;
  if (!job->settings->helo.empty()) job->request.identity.helo = job->settings->helo;
  if (job->settings->sender.has_value()) job->request.identity.sender = *job->settings->sender;
  job->classifier = classifier;
  job->delays.dns = dns;
  const uint64_t number = ++last_number;
  // The answer never comes from within the prober's work, even where that is done on this loop.
  job->answer = [self = shared_from_this(), number](std::unique_ptr<ProbeOutcome> outcome) {
    self->mail.Post(
        [self, number, outcome = std::move(outcome)]() mutable { self->TakeIn(number, std::move(outcome)); });
  };
  if (accepted != nullptr) {
    job->accepted = [self = shared_from_this(), number](const Finding& finding) {
      self->mail.Post([self, number, finding] { self->TakeAccepted(number, finding); });
    };
  }
  auto awaited = std::make_unique<Awaited>(std::move(owed), std::move(accepted), front.timers());
  awaited->destination = job->route.destination;
  awaited->party = party;
  awaited->dns = dns;
  awaited->handed_over = front.clock().Mono();
  awaited->deadline.SetAt(awaited->owed.request().deadline, [this, number] { TakeIn(number, nullptr); });
  air.Take(party);
  in_the_air.emplace(number, std::move(awaited));
  Place& place = PlaceOf(job->route.destination);
  ToPlace(place, [all = place.destinations, job = std::move(job)]() mutable { all->Ask(std::move(job)); });
}

void Prober::Impl::Recall(std::unique_ptr<ProbeJob> job) {
  const std::string& name = job->route.destination;
  job->remembered = std::make_unique<RememberedPlace>();
  job->remembered->destination = Recall(name);
  if (recall.domain) job->remembered->domain = recall.domain(name, job->domain());
  Place& place = PlaceOf(name);
  ToPlace(place, [all = place.destinations, job = std::move(job)]() mutable { all->Ask(std::move(job)); });
}

void Prober::Impl::TakeAccepted(uint64_t number, const Finding& finding) {
  const auto found = in_the_air.find(number);
  if (found != in_the_air.end()) found->second->accepted(finding);
}

void Prober::Impl::TakeIn(uint64_t number, std::unique_ptr<ProbeOutcome> outcome) {
  const auto found = in_the_air.find(number);
  if (found == in_the_air.end()) return;  // it came too late
  const std::unique_ptr<Awaited> awaited = std::move(found->second);
  in_the_air.erase(found);
  air.GiveBack(awaited->party);
  if (outcome == nullptr) outcome = std::make_unique<ProbeOutcome>(awaited->Late(front.clock()));
  if (IsOwnTrouble(outcome->finding.reason)) ReportOwnTrouble(awaited->owed.request(), *outcome);
  awaited->owed.Give(std::move(*outcome));
}

void Prober::Impl::ReportOwnTrouble(const ProbeRequest& request, ProbeOutcome& outcome) {
  Finding& finding = outcome.finding;
  const std::string& domain = request.address.domain();
  if (finding.reason == Reason::kRouteBroken) {
    return alarms.Raise(outcome.destination, absl::StrCat(outcome.destination, " can not be asked: ", finding.text,
                                                          "; give the user of verifyd access to it"));
  }
  // Many questions may use up the ports and descriptors.
  if (finding.reason == Reason::kLocalError) return alarms.Warn("local error", finding.text);
  if (outcome.configured_route || request.ours) {
    return alarms.Raise(
        absl::StrCat("loop ", domain),
        absl::StrCat(domain, " is asked at ", outcome.destination, ", which is verifyd's own machine: ", finding.text,
                     "; give the domain a route in transport_maps that leads to its server"));
  }
  // A stranger's server that calls itself by our name says something about his domain.
  if (finding.code != 0) return;
  const std::string text = std::move(finding.text);
  Finding about_domain =
      ToFinding(ClassificationOf(Reason::kRelayDenied, finding.rule), finding.stage, text, finding.when);
  about_domain.mx_name = std::move(finding.mx_name);
  about_domain.mx_address = std::move(finding.mx_address);
  finding = std::move(about_domain);
}

boost::asio::awaitable<bool> Prober::Impl::Drained(std::shared_ptr<Impl> self, Place& place, MonoTime deadline) {
  const OneShot<std::monostate> idle(self->front);
  self->ToPlace(place, [self, idle, destinations = place.destinations, &loop = place.loop] {
    destinations->WhenIdle([self, idle, &loop] { self->ToFront(loop, [idle] { idle.Set({}); }); });
  });
  co_return co_await idle.Wait(deadline);
}

boost::asio::awaitable<void> Prober::Drain(MonoTime deadline) {
  impl_->bound.Check();
  std::vector<boost::asio::awaitable<bool>> drained;
  for (Impl::Place& place : impl_->places) drained.push_back(Impl::Drained(impl_, place, deadline));
  co_await Gather(impl_->front, std::move(drained));
}

size_t Prober::untaken() const {
  impl_->bound.Check();
  return impl_->mail.waiting();
}

ProberCounts Prober::counts() const {
  ProberCounts counts;
  counts.probes = impl_->probes;
  counts.connections = impl_->counters->connections;
  counts.refused_connections = impl_->counters->refused_connections;
  counts.sessions_now = impl_->counters->sessions_now;
  counts.queued_now = impl_->counters->queued_now;
  counts.destinations_now = impl_->counters->destinations_now;
  return counts;
}

}  // namespace verifyd
