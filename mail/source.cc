#include "mail/source.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/one_shot.h"

namespace verifyd {
namespace {

// Nothing: the source has failed.
using Arrival = OneShot<std::optional<ProbeOutcome>>;

// Lives in the callback of a question: a callback that is destroyed and was not called tells that the source has
// failed.
class Promise {
 public:
  explicit Promise(Arrival arrival) : arrival_(std::move(arrival)) {}
  Promise(Promise&& other) noexcept : arrival_(std::exchange(other.arrival_, std::nullopt)) {}
  Promise& operator=(Promise&&) = delete;
  ~Promise() {
    if (arrival_.has_value()) arrival_->Set(std::nullopt);
  }
  void Keep(ProbeOutcome&& outcome) { arrival_->Set(std::move(outcome)); }

 private:
  std::optional<Arrival> arrival_;  // nothing: moved from
};

}  // namespace

boost::asio::awaitable<ProbeOutcome> Source::Probe(ProbeRequest request) {
  const Arrival arrival(loop_);
  // A task of its own: where it fails, the waiter here goes on.
  loop_.Spawn(Begin(
      std::move(request),
      [promise = Promise(arrival)](const ProbeRequest& /*request*/, ProbeOutcome&& outcome) mutable {
        promise.Keep(std::move(outcome));
      },
      nullptr));
  co_await arrival.Wait();
  if (arrival->has_value()) co_return *std::move(*arrival);
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
  // Each source may call it.
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
