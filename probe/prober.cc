#include "probe/prober.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/mailbox.h"
#include "base/signal.h"
#include "probe/destination_settings.h"
#include "probe/destinations.h"
#include "probe/router.h"
#include "probe/stock_verify.h"
#include "probe/transcript.h"
#include "verdict/event.h"

namespace verifyd {
namespace {

// The prober loop gives up a little before the asker does, so that its finding, which says where the time went, is the
// one that arrives.
constexpr absl::Duration kHandOver = absl::Milliseconds(50);

// Where the front loop waits for the prober loop. There are as many as probes in the air, so that it holds no more than
// it must.
struct Answer {
  explicit Answer(Loop& front) : arrived(front) {}
  std::unique_ptr<ProbeOutcome> outcome;
  Signal arrived;
  // For one that does not come in time.
  ProbeIdentity identity;
  std::string destination;
  absl::Duration dns;
};

ProbeOutcome Late(Answer& answer, absl::Duration waited, absl::Time now) {
  ProbeOutcome outcome;
  outcome.finding = ToFinding(Classifier::Classify(Event::kDeadline, Stage::kConnect), Stage::kConnect,
                              absl::StrCat("no answer from ", answer.destination, " in time"), now);
  outcome.destination = std::move(answer.destination);
  outcome.identity = std::move(answer.identity);
  outcome.delays.dns = answer.dns;
  outcome.delays.queue = waited;
  return outcome;
}

}  // namespace

struct Prober::Impl : std::enable_shared_from_this<Prober::Impl> {
  // Touched on its own loop only.
  struct Place {
    Loop& loop;
    std::shared_ptr<Destinations> destinations;
    Mailbox mail;  // to this loop
  };

  Impl(Loop& front, Resolver& resolver)
      : front(front), mail(front), services(MakeSocketDialer(front)), router(front, resolver, *services) {}

  // From one of them to the other. On the same loop a call does; what it wakes runs on a later turn.
  void ToPlace(Place& place, absl::AnyInvocable<void()> what) const {
    if (&front == &place.loop) return what();
    place.mail.Post(std::move(what));
  }
  void ToFront(const Loop& from, absl::AnyInvocable<void()> what) {
    if (&front == &from) return what();
    mail.Post(std::move(what));
  }
  // A domain's breaker is where its destination is: "mx.example.com example.org".
  Place& PlaceOf(absl::string_view destination) {
    return places[absl::Hash<absl::string_view>()(destination.substr(0, destination.find(' '))) % places.size()];
  }

  static boost::asio::awaitable<ProbeOutcome> Probe(std::shared_ptr<Impl> self, ProbeRequest request);
  static boost::asio::awaitable<std::shared_ptr<Answer>> Begin(std::shared_ptr<Impl> self, ProbeRequest request);
  std::shared_ptr<Answer> HandOver(ProbeRequest request, Route route, Transcript transcript, absl::Duration dns);

  Loop& front;
  Mailbox mail;  // to the front loop
  const std::shared_ptr<ProbeCounters> counters = std::make_shared<ProbeCounters>();
  std::atomic<uint64_t> probes{0};
  // Front loop.
  const std::unique_ptr<Dialer> services;  // Postfix's own, and servers of tables
  Router router;
  std::shared_ptr<const ProbeSettings> settings;
  std::shared_ptr<const Classifier> classifier;
  std::function<void(const DestinationState&)> observer;
  std::vector<Place> places;
};

Prober::Prober(Loop& front, Resolver& resolver, const std::vector<Shard>& shards)
    : impl_(std::make_shared<Impl>(front, resolver)) {
  for (const Shard& shard : shards) {
    const auto observe = [weak = std::weak_ptr<Impl>(impl_), &loop = shard.loop](const DestinationState& state) {
      const std::shared_ptr<Impl> impl = weak.lock();
      if (impl == nullptr) return;
      impl->ToFront(loop, [impl, state] {
        if (impl->observer) impl->observer(state);
      });
    };
    impl_->places.push_back({shard.loop,
                             std::make_shared<Destinations>(shard.loop, shard.dialer, impl_->counters, observe),
                             Mailbox(shard.loop)});
  }
}

Prober::~Prober() {
  // Their timers belong to their loops, so they end there.
  for (Impl::Place& place : impl_->places) {
    impl_->ToPlace(place, [last = std::exchange(place.destinations, nullptr)]() mutable { last.reset(); });
  }
}

void Prober::Configure(std::shared_ptr<const ProbeSettings> settings, std::shared_ptr<const Classifier> classifier) {
  impl_->settings = std::move(settings);
  impl_->classifier = std::move(classifier);
}

void Prober::SetObserver(std::function<void(const DestinationState&)> observer) {
  impl_->observer = std::move(observer);
}

void Prober::Restore(std::vector<DestinationState> states) {
  std::vector<std::vector<DestinationState>> parts(impl_->places.size());
  for (DestinationState& state : states) {
    const size_t place = static_cast<size_t>(&impl_->PlaceOf(state.name) - impl_->places.data());
    parts[place].push_back(std::move(state));
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    Impl::Place& place = impl_->places[i];
    impl_->ToPlace(place, [destinations = place.destinations, part = std::move(parts[i])]() mutable {
      destinations->Restore(std::move(part));
    });
  }
}

void Prober::Hold(const std::string& destination, absl::Time until) {
  Impl::Place& place = impl_->PlaceOf(destination);
  impl_->ToPlace(place,
                 [destinations = place.destinations, destination, until] { destinations->Hold(destination, until); });
}

void Prober::Reset(const std::string& destination) {
  Impl::Place& place = impl_->PlaceOf(destination);
  impl_->ToPlace(place, [destinations = place.destinations, destination] { destinations->Reset(destination); });
}

namespace {

// What several loops do for the front loop.
struct Errand {
  Errand(Loop& front, size_t parts) : left(parts), done(front) {}
  size_t left;
  std::vector<DestinationActivity> activity;
  Signal done;
};

}  // namespace

boost::asio::awaitable<std::vector<DestinationActivity>> Prober::Activity(std::string destination) {
  const auto errand = std::make_shared<Errand>(impl_->front, impl_->places.size());
  for (Impl::Place& place : impl_->places) {
    impl_->ToPlace(place, [impl = impl_, errand, destination, &place] {
      impl->ToFront(place.loop, [errand, part = place.destinations->Activity(destination)]() mutable {
        std::move(part.begin(), part.end(), std::back_inserter(errand->activity));
        if (--errand->left == 0) errand->done.NotifyAll();
      });
    });
  }
  if (errand->left > 0) co_await errand->done.Wait();
  co_return std::move(errand->activity);
}

boost::asio::awaitable<ProbeOutcome> Prober::Probe(ProbeRequest request) {
  return Impl::Probe(impl_, std::move(request));
}

boost::asio::awaitable<std::optional<Route>> Prober::FindRoute(Address address, std::string sender, MonoTime deadline) {
  const std::shared_ptr<Impl> impl = impl_;
  const std::shared_ptr<const ProbeSettings> now_valid = impl->settings;
  Transcript transcript(impl->front.clock(), /*wanted=*/false);
  Routed routed = co_await impl->router.Find(address, sender, *now_valid, deadline, transcript);
  const bool itself = !routed.rewritten.has_value() || *routed.rewritten == address;
  if (!itself || !routed.stock_verify.empty()) co_return std::nullopt;
  co_return std::move(routed.route);
}

// Its frame is what a probe in the air keeps here: what is needed until then only is Begin's.
boost::asio::awaitable<ProbeOutcome> Prober::Impl::Probe(std::shared_ptr<Impl> self, ProbeRequest request) {
  ++self->probes;
  const MonoTime deadline = request.deadline;
  const std::shared_ptr<Answer> answer = co_await Begin(self, std::move(request));
  const MonoTime began = self->front.clock().Mono();
  if (answer->outcome == nullptr) co_await answer->arrived.Wait(deadline);
  if (answer->outcome != nullptr) co_return std::move(*answer->outcome);
  co_return Late(*answer, self->front.clock().Mono() - began, self->front.clock().Now());
}

// Finds out where to ask and hands the request over; or says why nobody is to be asked.
boost::asio::awaitable<std::shared_ptr<Answer>> Prober::Impl::Begin(std::shared_ptr<Impl> self, ProbeRequest request) {
  const Clock& clock = self->front.clock();
  const MonoTime began = clock.Mono();
  const MonoTime deadline = request.deadline;
  const std::shared_ptr<const ProbeSettings> now_valid = self->settings;
  Transcript transcript(clock, request.transcript);
  Routed routed =
      co_await self->router.Find(request.address, request.identity.sender, *now_valid, deadline, transcript);
  if (routed.rewritten.has_value()) request.address = *std::move(routed.rewritten);
  const absl::Duration dns = clock.Mono() - began;
  if (routed.route.has_value() && routed.stock_verify.empty()) {
    co_return self->HandOver(std::move(request), *std::move(routed.route), std::move(transcript), dns);
  }
  auto outcome = std::make_unique<ProbeOutcome>();
  if (!routed.stock_verify.empty()) {
    const std::shared_ptr<const Classifier> judge = self->classifier;
    outcome->finding =
        co_await AskStockVerify(self->front, *self->services, *judge, routed.stock_verify, request.address, deadline);
    outcome->delays.dialogue = clock.Mono() - began - dns;
  } else {
    outcome->finding = std::move(routed.finding);
    outcome->domain_fact = std::move(routed.domain_fact);
    outcome->not_verifiable = routed.not_verifiable;
  }
  if (transcript.wanted()) transcript.Note(outcome->finding.text);
  outcome->transcript = transcript.Take();
  outcome->identity = std::move(request.identity);
  outcome->delays.dns = dns;
  auto answer = std::make_shared<Answer>(self->front);
  answer->outcome = std::move(outcome);
  co_return answer;
}

std::shared_ptr<Answer> Prober::Impl::HandOver(ProbeRequest request, Route route, Transcript transcript,
                                               absl::Duration dns) {
  auto answer = std::make_shared<Answer>(front);
  answer->identity = request.identity;
  answer->destination = route.destination;
  answer->dns = dns;
  auto job = std::make_unique<ProbeJob>(std::move(request), std::move(route), std::move(transcript));
  MonoTime& deadline = job->request.deadline;
  if (deadline != MonoTime::InfiniteFuture()) {
    const absl::Duration left = std::max(deadline - front.clock().Mono(), absl::ZeroDuration());
    deadline = deadline + -std::min(kHandOver, left / 10);
  }
  const std::shared_ptr<const ProbeSettings> special =
      settings->destinations == nullptr ? nullptr : settings->destinations->Find(job->route, job->domain());
  job->settings = special != nullptr ? special : settings;
  if (!job->settings->helo.empty()) job->request.identity.helo = job->settings->helo;
  if (job->settings->sender.has_value()) job->request.identity.sender = *job->settings->sender;
  job->classifier = classifier;
  job->delays.dns = dns;
  Place& place = PlaceOf(job->route.destination);
  job->answer = [self = shared_from_this(), answer, &from = place.loop](ProbeOutcome outcome) {
    self->ToFront(from, [answer, outcome = std::move(outcome)]() mutable {
      answer->outcome = std::make_unique<ProbeOutcome>(std::move(outcome));
      answer->arrived.NotifyAll();
    });
  };
  ToPlace(place, [all = place.destinations, job = std::move(job)]() mutable { all->Ask(std::move(job)); });
  return answer;
}

boost::asio::awaitable<void> Prober::Drain(MonoTime deadline) {
  const auto errand = std::make_shared<Errand>(impl_->front, impl_->places.size());
  for (Impl::Place& place : impl_->places) {
    impl_->ToPlace(place, [impl = impl_, destinations = place.destinations, errand, &loop = place.loop] {
      destinations->WhenIdle([impl, errand, &loop] {
        impl->ToFront(loop, [errand] {
          if (--errand->left == 0) errand->done.NotifyAll();
        });
      });
    });
  }
  if (errand->left > 0) co_await errand->done.Wait(deadline);
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
