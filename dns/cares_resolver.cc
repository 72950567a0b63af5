#include "dns/cares_resolver.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "base/signal.h"
#include "base/status_macros.h"
#include "dns/answer_cache.h"
#include "dns/cares_channel.h"

namespace verifyd {
namespace {

using AnswerPtr = std::shared_ptr<const DnsAnswer>;

// A channel keeps its port while it is busy; see cares_channel.h. Old ones stay until their last question is answered.
constexpr size_t kQuestionsFromOnePort = 64;
constexpr size_t kMaxOldChannels = 8;
// An answer is told by 16 bits from those to other questions.
constexpr size_t kMostInFlight = 10000;

AnswerPtr Without(DnsStatus status, const std::string& name) {
  auto answer = std::make_shared<DnsAnswer>();
  answer->status = status;
  answer->canonical_name = name;
  return answer;
}

// A question in flight or waiting for its turn, and all who wait for its answer.
struct Flight {
  Flight(Loop& loop, DnsKey key) : key(std::move(key)), ended(loop) {}
  DnsKey key;
  Signal ended;
  AnswerPtr answer;
  std::optional<DnsStatus> first_failure;  // then the other servers have been asked, too
};

bool IsFailure(DnsStatus status) {
  return status == DnsStatus::kServfail || status == DnsStatus::kRefused || status == DnsStatus::kMalformed;
}

}  // namespace

struct CaresResolver::Impl : std::enable_shared_from_this<CaresResolver::Impl> {
  Impl(Loop& loop, const ResolverSettings& settings, std::unique_ptr<CaresChannel> channel)
      : loop(loop), settings(settings), cache(settings.cache_entries), channel(std::move(channel)) {
    this->settings.max_in_flight = std::clamp<size_t>(settings.max_in_flight, 1, kMostInFlight);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    for (const auto& [key, flight] : flights) flight->ended.NotifyAll();
  }

  // The flight of this question, begun now or before; null when there are too many.
  std::shared_ptr<Flight> Join(const DnsKey& key) {
    if (const auto found = flights.find(key); found != flights.end()) {
      ++counts.joined;
      return found->second;
    }
    const bool must_wait = in_flight >= settings.max_in_flight;
    if (must_wait && waiting.size() >= settings.max_waiting) return nullptr;
    auto flight = std::make_shared<Flight>(loop, key);
    flights.emplace(key, flight);
    if (must_wait) {
      waiting.push_back(flight);
    } else {
      Start(flight);
    }
    return flight;
  }

  void Start(const std::shared_ptr<Flight>& flight) {
    ++in_flight;
    ++counts.sent;
    Send(Channel(), flight);
  }

  void Send(CaresChannel& on, const std::shared_ptr<Flight>& flight) {
    on.Send(flight->key.first, flight->key.second,
            [weak = weak_from_this(), flight](DnsStatus status, const std::string& message) {
              if (const std::shared_ptr<Impl> self = weak.lock()) self->Receive(flight, status, message);
            });
  }

  void Receive(const std::shared_ptr<Flight>& flight, DnsStatus status, const std::string& message) {
    const auto& [name, type] = flight->key;
    auto answer = std::make_shared<DnsAnswer>(*Without(status, name));
    if (status == DnsStatus::kOk) *answer = ParseDnsAnswer(message, name, type);
    if (!flight->first_failure.has_value() && IsFailure(answer->status) && channel->servers() > 1) {
      if (CaresChannel* others = SecondChannel(); others != nullptr) {
        flight->first_failure = answer->status;
        Send(*others, flight);
        return;
      }
    }
    // That no other server could help does not undo what the first one said.
    if (answer->status == DnsStatus::kTimeout) answer->status = flight->first_failure.value_or(answer->status);
    End(flight, std::move(answer));
  }

  void End(const std::shared_ptr<Flight>& flight, std::shared_ptr<DnsAnswer> answer) {
    --in_flight;
    answer->ttl =
        std::min(answer->ttl, answer->status == DnsStatus::kOk ? settings.max_ttl : settings.max_negative_ttl);
    if (answer->status == DnsStatus::kTimeout) ++counts.timeouts;
    if (IsFailure(answer->status)) ++counts.failures;
    cache.Put(flight->key, answer, loop.clock().Mono());
    flight->answer = std::move(answer);
    flights.erase(flight->key);
    flight->ended.NotifyAll();
    StartWaiting();
  }

  void StartWaiting() {
    while (in_flight < settings.max_in_flight && !waiting.empty()) {
      const std::shared_ptr<Flight> next = std::move(waiting.front());
      waiting.pop_front();
      if (next->ended.waiting() == 0) {
        flights.erase(next->key);
      } else {
        Start(next);
      }
    }
  }

  CaresChannel& Channel() {
    std::erase_if(old_channels, [](const auto& old) { return old->open() == 0; });
    if (channel->open() > 0 && channel->asked_from_one_port() >= kQuestionsFromOnePort &&
        old_channels.size() < kMaxOldChannels) {
      // Where there can be no new one (no descriptors left), the old one goes on.
      auto fresh = CaresChannel::Create(loop, settings, CaresChannel::Takes::kFirstAnswer);
      if (fresh.ok()) old_channels.push_back(std::exchange(channel, *std::move(fresh)));
    }
    return *channel;
  }

  // Where those questions go that the first server failed; null when there can be none.
  CaresChannel* SecondChannel() {
    if (second_channel == nullptr) {
      auto made = CaresChannel::Create(loop, settings, CaresChannel::Takes::kBestAnswer);
      if (made.ok()) second_channel = *std::move(made);
    }
    return second_channel.get();
  }

  Loop& loop;
  ResolverSettings settings;
  AnswerCache cache;
  absl::flat_hash_map<DnsKey, std::shared_ptr<Flight>> flights;
  std::deque<std::shared_ptr<Flight>> waiting;  // in `flights`, too
  size_t in_flight = 0;
  ResolverCounts counts;
  std::unique_ptr<CaresChannel> channel;
  std::vector<std::unique_ptr<CaresChannel>> old_channels;
  std::unique_ptr<CaresChannel> second_channel;
};

absl::StatusOr<std::unique_ptr<CaresResolver>> CaresResolver::Create(Loop& loop, const ResolverSettings& settings) {
  ASSIGN_OR_RETURN(std::unique_ptr<CaresChannel> channel,
                   CaresChannel::Create(loop, settings, CaresChannel::Takes::kFirstAnswer));
  return std::unique_ptr<CaresResolver>(new CaresResolver(std::make_shared<Impl>(loop, settings, std::move(channel))));
}

CaresResolver::CaresResolver(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
CaresResolver::~CaresResolver() = default;

boost::asio::awaitable<AnswerPtr> CaresResolver::Query(std::string name, DnsType type, MonoTime deadline) {
  absl::AsciiStrToLower(&name);
  if (AnswerPtr cached = impl_->cache.Find(DnsKey(name, type), impl_->loop.clock().Mono())) {
    ++impl_->counts.questions;
    ++impl_->counts.cache_hits;
    co_return cached;
  }
  co_return co_await QueryAnew(std::move(name), type, deadline);
}

boost::asio::awaitable<AnswerPtr> CaresResolver::QueryAnew(std::string name, DnsType type, MonoTime deadline) {
  absl::AsciiStrToLower(&name);
  ++impl_->counts.questions;
  const DnsKey key(name, type);
  if (!IsDomainName(name)) co_return Without(DnsStatus::kMalformed, name);
  const std::shared_ptr<Flight> flight = impl_->Join(key);
  if (flight == nullptr) co_return Without(DnsStatus::kOverload, name);
  co_await flight->ended.Wait(deadline);
  // The resolver may be gone by now.
  co_return flight->answer == nullptr ? Without(DnsStatus::kTimeout, name) : flight->answer;
}

ResolverCounts CaresResolver::counts() const { return impl_->counts; }

}  // namespace verifyd
