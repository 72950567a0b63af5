#include "probe/prober.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "base/signal.h"
#include "probe/destination.h"
#include "probe/route.h"
#include "probe/router.h"
#include "probe/stock_verify.h"
#include "probe/transcript.h"
#include "verdict/event.h"

namespace verifyd {
namespace {

// The prober loop gives up a little before the asker does, so that its finding, which says where the time went, is the
// one that arrives.
constexpr absl::Duration kHandOver = absl::Milliseconds(50);

// Where the front loop waits for the prober loop.
struct Answer {
  explicit Answer(Loop& front) : arrived(front) {}
  std::optional<ProbeOutcome> outcome;
  Signal arrived;
};

Finding DeadlineFinding(const std::string& destination, absl::Time now) {
  return ToFinding(Classifier::Classify(Event::kDeadline, Stage::kConnect), Stage::kConnect,
                   absl::StrCat("no answer from ", destination, " in time"), now);
}

}  // namespace

struct Prober::Impl : std::enable_shared_from_this<Prober::Impl> {
  Impl(Loop& front, Loop& work, Resolver& resolver)
      : front(front), work(work), services(MakeSocketDialer(front)), router(front, resolver, *services) {}

  // On the same loop a call does; what it wakes runs on a later turn.
  void Run(Loop& where, absl::AnyInvocable<void()> what) const {
    if (&front == &work) return what();
    where.Post(std::move(what));
  }

  static boost::asio::awaitable<ProbeOutcome> Probe(std::shared_ptr<Impl> self, ProbeRequest request);
  std::shared_ptr<Answer> HandOver(ProbeRequest request, Route route, Transcript transcript, absl::Duration dns);

  Loop& front;
  Loop& work;
  const std::shared_ptr<ProbeCounters> counters = std::make_shared<ProbeCounters>();
  std::atomic<uint64_t> probes{0};
  // Front loop.
  const std::unique_ptr<Dialer> services;  // Postfix's own, and servers of tables
  Router router;
  std::shared_ptr<const ProbeSettings> settings;
  std::shared_ptr<const Classifier> classifier;
  std::function<void(const DestinationState&)> observer;
  // Touched on the prober loop only.
  std::shared_ptr<Destinations> destinations;
};

Prober::Prober(Loop& front, Loop& work, Resolver& resolver, Dialer& dialer)
    : impl_(std::make_shared<Impl>(front, work, resolver)) {
  const auto observe = [weak = std::weak_ptr<Impl>(impl_)](const DestinationState& state) {
    const std::shared_ptr<Impl> impl = weak.lock();
    if (impl == nullptr) return;
    impl->Run(impl->front, [impl, state] {
      if (impl->observer) impl->observer(state);
    });
  };
  impl_->destinations = std::make_shared<Destinations>(work, dialer, impl_->counters, observe);
}

Prober::~Prober() {
  // Its timers belong to the prober loop, so it ends there.
  impl_->Run(impl_->work, [last = std::exchange(impl_->destinations, nullptr)]() mutable { last.reset(); });
}

void Prober::Configure(std::shared_ptr<const ProbeSettings> settings, std::shared_ptr<const Classifier> classifier) {
  impl_->settings = std::move(settings);
  impl_->classifier = std::move(classifier);
}

void Prober::SetObserver(std::function<void(const DestinationState&)> observer) {
  impl_->observer = std::move(observer);
}

void Prober::Restore(std::vector<DestinationState> states) {
  impl_->Run(impl_->work, [destinations = impl_->destinations, states = std::move(states)]() mutable {
    destinations->Restore(std::move(states));
  });
}

void Prober::Hold(const std::string& destination, absl::Time until) {
  impl_->Run(impl_->work,
             [destinations = impl_->destinations, destination, until] { destinations->Hold(destination, until); });
}

boost::asio::awaitable<ProbeOutcome> Prober::Probe(ProbeRequest request) {
  return Impl::Probe(impl_, std::move(request));
}

boost::asio::awaitable<ProbeOutcome> Prober::Impl::Probe(std::shared_ptr<Impl> self, ProbeRequest request) {
  ++self->probes;
  const Clock& clock = self->front.clock();
  const MonoTime began = clock.Mono();
  const MonoTime deadline = request.deadline;
  const std::shared_ptr<const ProbeSettings> now_valid = self->settings;
  Transcript transcript(clock, request.transcript);
  Routed routed =
      co_await self->router.Find(request.address, request.identity.sender, *now_valid, deadline, transcript);
  if (routed.rewritten.has_value()) request.address = *std::move(routed.rewritten);
  const absl::Duration dns = clock.Mono() - began;
  ProbeIdentity identity = request.identity;
  ProbeOutcome outcome;
  if (!routed.stock_verify.empty()) {
    const std::shared_ptr<const Classifier> judge = self->classifier;
    outcome.finding =
        co_await AskStockVerify(self->front, *self->services, *judge, routed.stock_verify, request.address, deadline);
    outcome.delays.dialogue = clock.Mono() - began - dns;
    if (transcript.wanted()) transcript.Note(outcome.finding.text);
    outcome.transcript = transcript.Take();
  } else if (!routed.route.has_value()) {
    if (transcript.wanted()) transcript.Note(routed.finding.text);
    outcome.finding = std::move(routed.finding);
    outcome.domain_fact = std::move(routed.domain_fact);
    outcome.not_verifiable = routed.not_verifiable;
    outcome.transcript = transcript.Take();
  } else {
    std::string destination = routed.route->destination;
    const std::shared_ptr<Answer> answer =
        self->HandOver(std::move(request), *std::move(routed.route), std::move(transcript), dns);
    if (!answer->outcome.has_value()) co_await answer->arrived.Wait(deadline);
    if (answer->outcome.has_value()) co_return *std::move(answer->outcome);
    outcome.finding = DeadlineFinding(destination, clock.Now());
    outcome.destination = std::move(destination);
    outcome.delays.queue = clock.Mono() - began - dns;
  }
  outcome.identity = std::move(identity);
  outcome.delays.dns = dns;
  co_return outcome;
}

std::shared_ptr<Answer> Prober::Impl::HandOver(ProbeRequest request, Route route, Transcript transcript,
                                               absl::Duration dns) {
  auto answer = std::make_shared<Answer>(front);
  auto job = std::make_unique<ProbeJob>(std::move(request), std::move(route), std::move(transcript));
  MonoTime& deadline = job->request.deadline;
  if (deadline != MonoTime::InfiniteFuture()) {
    const absl::Duration left = std::max(deadline - front.clock().Mono(), absl::ZeroDuration());
    deadline = deadline + -std::min(kHandOver, left / 10);
  }
  job->settings = settings;
  job->classifier = classifier;
  job->outcome.delays.dns = dns;
  job->answer = [self = shared_from_this(), answer](ProbeOutcome outcome) {
    self->Run(self->front, [answer, outcome = std::move(outcome)]() mutable {
      answer->outcome = std::move(outcome);
      answer->arrived.NotifyAll();
    });
  };
  Run(work, [all = destinations, job = std::move(job)]() mutable { all->Ask(std::move(job)); });
  return answer;
}

boost::asio::awaitable<void> Prober::Drain(MonoTime deadline) {
  struct Drained {
    explicit Drained(Loop& front) : signal(front) {}
    bool done = false;
    Signal signal;
  };
  const auto drained = std::make_shared<Drained>(impl_->front);
  impl_->Run(impl_->work, [impl = impl_, destinations = impl_->destinations, drained] {
    destinations->WhenIdle([impl, drained] {
      impl->Run(impl->front, [drained] {
        drained->done = true;
        drained->signal.NotifyAll();
      });
    });
  });
  if (!drained->done) co_await drained->signal.Wait(deadline);
}

ProberCounts Prober::counts() const {
  ProberCounts counts;
  counts.probes = impl_->probes;
  counts.connections = impl_->counters->connections;
  counts.sessions_now = impl_->counters->sessions_now;
  counts.queued_now = impl_->counters->queued_now;
  counts.destinations_now = impl_->counters->destinations_now;
  return counts;
}

}  // namespace verifyd
