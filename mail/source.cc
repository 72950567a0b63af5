#include "mail/source.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/signal.h"

namespace verifyd {
namespace {

// What one waits for who is no callback. It goes with the callback that stands for him: where that is let go of without
// having been called, he is told that the source has failed.
struct Arrival {
  explicit Arrival(Loop& loop) : arrived(loop) {}
  std::optional<ProbeOutcome> outcome;
  bool lost = false;
  Signal arrived;
};

class Promise {
 public:
  explicit Promise(std::shared_ptr<Arrival> arrival) : arrival_(std::move(arrival)) {}
  Promise(Promise&&) = default;
  Promise& operator=(Promise&&) = delete;
  ~Promise() {
    if (arrival_ == nullptr || arrival_->outcome.has_value()) return;
    arrival_->lost = true;
    arrival_->arrived.NotifyAll();
  }
  void Keep(ProbeOutcome&& outcome) {
    arrival_->outcome = std::move(outcome);
    arrival_->arrived.NotifyAll();
  }

 private:
  std::shared_ptr<Arrival> arrival_;  // null: moved from
};

}  // namespace

boost::asio::awaitable<ProbeOutcome> Source::Probe(ProbeRequest request) {
  const auto arrival = std::make_shared<Arrival>(loop_);
  // A task of its own: where it fails, who waits here goes on.
  loop_.Spawn(Begin(
      std::move(request),
      [promise = Promise(arrival)](const ProbeRequest& /*request*/, ProbeOutcome&& outcome) mutable {
        promise.Keep(std::move(outcome));
      },
      nullptr));
  while (!arrival->outcome.has_value() && !arrival->lost) co_await arrival->arrived.Wait();
  if (arrival->outcome.has_value()) co_return *std::move(arrival->outcome);
  ProbeOutcome failed;
  failed.finding.text = "verification failed inside verifyd; its log says why";
  failed.finding.when = loop_.clock().Now();
  co_return failed;
}

boost::asio::awaitable<void> SourceList::Begin(ProbeRequest request, Answer answer, Accepted accepted) {
  return BeginAt(0, std::move(request), std::move(answer), std::move(accepted));
}

boost::asio::awaitable<void> SourceList::BeginAt(size_t place, ProbeRequest request, Answer answer, Accepted accepted) {
  if (place + 1 == sources_.size()) {
    return sources_[place]->Begin(std::move(request), std::move(answer), std::move(accepted));
  }
  // Each of them may come to call it.
  const auto shared = accepted == nullptr ? nullptr : std::make_shared<Accepted>(std::move(accepted));
  const auto share = [](const std::shared_ptr<Accepted>& of) -> Accepted {
    if (of == nullptr) return nullptr;
    return [of](const Finding& finding) { (*of)(finding); };
  };
  return sources_[place]->Begin(
      std::move(request),
      [this, place, share, shared, answer = std::move(answer)](ProbeRequest&& asked, ProbeOutcome&& outcome) mutable {
        if (!outcome.not_mine) return answer(std::move(asked), std::move(outcome));
        loop().Spawn(BeginAt(place + 1, std::move(asked), std::move(answer), share(shared)));
      },
      share(shared));
}

size_t SourceList::untaken() const {
  size_t untaken = 0;
  for (const Source* const source : sources_) untaken += source->untaken();
  return untaken;
}

}  // namespace verifyd
