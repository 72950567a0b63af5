#include "dns/cares_resolver.h"

#include <algorithm>
#include <deque>
#include <list>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "base/shares.h"
#include "base/signal.h"
#include "base/status_macros.h"
#include "base/timer.h"
#include "dns/answer_cache.h"
#include "dns/cares_channel.h"
#include "mail/registrable_domain.h"

namespace verifyd {
namespace {

using AnswerPtr = std::shared_ptr<const DnsAnswer>;

// A channel keeps its port while it is busy; see cares_channel.h. Old ones stay until their last question is answered.
constexpr size_t kQuestionsFromOnePort = 64;
constexpr size_t kMaxOldChannels = 8;
// An answer is told from others by an id of 16 bits.
constexpr size_t kMostInFlight = 10000;
// Limits the silent questions, which hold no place.
constexpr size_t kSilentForEachPlace = 4;

AnswerPtr Without(DnsStatus status, const std::string& name) {
  auto answer = std::make_shared<DnsAnswer>();
  answer->status = status;
  answer->canonical_name = name;
  return answer;
}

// A question in flight or in line, and its waiters.
struct Flight {
  Flight(Loop& loop, DnsKey key, Shares::Party party, bool ours)
      : key(std::move(key)), party(party), ours(ours), ended(loop) {}
  DnsKey key;
  const Shares::Party party;
  bool ours;
  bool in_line = false;  // waits for its turn
  Signal ended;
  AnswerPtr answer;
  std::optional<DnsStatus> first_failure;  // set: the other servers have been asked, too
  MonoTime asked;
  std::optional<std::list<Flight*>::iterator> place;  // the place that it holds
};

using FlightPtr = std::shared_ptr<Flight>;

// The flights that wait for their turn, by party; the parties take turns.
class Line {
 public:
  void Add(FlightPtr flight) {
    auto& waiting = by_party_[flight->party];
    if (waiting.empty()) turns_.push_back(flight->party);
    waiting.push_back(std::move(flight));
  }
  // Returns the next flight whose party may be served; null if there is none. Few parties are passed over: each of
  // those has a large share of all places.
  template <typename May>
  FlightPtr Next(const May& may) {
    for (size_t left = turns_.size(); left > 0; --left) {
      const Shares::Party party = turns_.front();
      turns_.pop_front();
      if (!may(party)) {
        turns_.push_back(party);
        continue;
      }
      const auto found = by_party_.find(party);
      FlightPtr next = std::move(found->second.front());
      found->second.pop_front();
      if (found->second.empty()) {
        by_party_.erase(found);
      } else {
        turns_.push_back(party);
      }
      return next;
    }
    return nullptr;
  }

 private:
  absl::flat_hash_map<Shares::Party, std::list<FlightPtr>> by_party_;
  std::deque<Shares::Party> turns_;
};

bool IsFailure(DnsStatus status) {
  return status == DnsStatus::kServfail || status == DnsStatus::kRefused || status == DnsStatus::kMalformed;
}

}  // namespace

struct CaresResolver::Impl : std::enable_shared_from_this<CaresResolver::Impl> {
  Impl(Loop& loop, const ResolverSettings& settings, std::unique_ptr<CaresChannel> channel)
      : loop(loop),
        settings(settings),
        cache(settings.cache_entries),
        places(std::clamp<size_t>(settings.max_in_flight, 1, kMostInFlight)),
        seats(settings.max_waiting),
        silence(loop.timers()),
        channel(std::move(channel)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    for (const auto& [key, flight] : flights) flight->ended.NotifyAll();
  }

  // Returns the flight of this question, begun now or before; null when there are too many.
  FlightPtr Join(const DnsKey& key, DnsNeed need) {
    const bool ours = need == DnsNeed::kOurs;
    if (const auto found = flights.find(key); found != flights.end()) {
      ++counts.joined;
      if (ours && found->second->in_line) Prefer(found->second);
      return found->second;
    }
    const Shares::Party party = parties.NumberOf(key.first);
    const bool must_wait = !places.MayTake(party, ours);
    if (must_wait && !seats.MayTake(party, ours)) return nullptr;
    auto flight = std::make_shared<Flight>(loop, key, party, ours);
    flights.emplace(key, flight);
    if (must_wait) {
      flight->in_line = true;
      seats.Take(party);
      (ours ? our_line : line).Add(flight);
    } else {
      Start(flight);
    }
    return flight;
  }

  // Moves a flight that waits among strangers to ours, because one of ours needs it now.
  void Prefer(const FlightPtr& flight) {
    if (std::exchange(flight->ours, true)) return;
    if (!places.MayTake(flight->party, /*ours=*/true)) return our_line.Add(flight);
    LeaveLine(*flight);
    Start(flight);
  }

  void LeaveLine(Flight& flight) {
    flight.in_line = false;
    seats.GiveBack(flight.party);
  }

  void Start(const FlightPtr& flight) {
    places.Take(flight->party);
    flight->asked = loop.clock().Mono();
    flight->place = holding.insert(holding.end(), flight.get());
    WatchSilence();
    ++counts.sent;
    Send(Channel(), flight);
  }

  void LeavePlace(Flight& flight) {
    places.GiveBack(flight.party);
    holding.erase(*std::exchange(flight.place, std::nullopt));
  }

  // Times the first of `holding`, which has had its place longest.
  void WatchSilence() {
    if (holding.empty() || silence.set()) return;
    silence.SetAt(holding.front()->asked + settings.timeout, [this] { PassOverSilent(); });
  }

  void PassOverSilent() {
    const MonoTime now = loop.clock().Mono();
    const size_t most = std::min(kSilentForEachPlace * places.places(), kMostInFlight - places.places());
    while (!holding.empty() && now - holding.front()->asked >= settings.timeout) {
      if (silent >= most) {
        silence.SetAfter(settings.timeout, [this] { PassOverSilent(); });
        break;
      }
      ++silent;
      LeavePlace(*holding.front());
    }
    WatchSilence();
    StartWaiting();
  }

  void Send(CaresChannel& on, const FlightPtr& flight) {
    on.Send(flight->key.first, flight->key.second,
            [weak = weak_from_this(), flight](DnsStatus status, const std::string& message) {
              if (const std::shared_ptr<Impl> self = weak.lock()) self->Receive(flight, status, message);
            });
  }

  void Receive(const FlightPtr& flight, DnsStatus status, const std::string& message) {
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
    // A time-out of the other servers does not replace what the first server said.
    if (answer->status == DnsStatus::kTimeout) answer->status = flight->first_failure.value_or(answer->status);
    End(flight, std::move(answer));
  }

  void End(const FlightPtr& flight, std::shared_ptr<DnsAnswer> answer) {
    if (flight->place.has_value()) {
      LeavePlace(*flight);
    } else {
      --silent;
    }
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
    while (FlightPtr next = NextInLine()) {
      if (!next->in_line) continue;  // it was preferred, and had its turn
      LeaveLine(*next);
      if (next->ended.waiting() == 0) {
        flights.erase(next->key);
      } else {
        Start(next);
      }
    }
  }

  FlightPtr NextInLine() {
    FlightPtr next = our_line.Next([this](Shares::Party party) { return places.MayTake(party, /*ours=*/true); });
    if (next != nullptr || !places.StrangersMayTake()) return next;
    return line.Next([this](Shares::Party party) { return places.MayTake(party, /*ours=*/false); });
  }

  CaresChannel& Channel() {
    std::erase_if(old_channels, [](const auto& old) { return old->open() == 0; });
    if (channel->open() > 0 && channel->asked_from_one_port() >= kQuestionsFromOnePort &&
        old_channels.size() < kMaxOldChannels) {
      // Where no new channel can be made (no descriptors left), the old one goes on.
      auto fresh = CaresChannel::Create(loop, settings, CaresChannel::Takes::kFirstAnswer);
      if (fresh.ok()) old_channels.push_back(std::exchange(channel, *std::move(fresh)));
    }
    return *channel;
  }

  // Returns the channel for questions that the first server failed; null when it can not be made.
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
  absl::flat_hash_map<DnsKey, FlightPtr> flights;
  RegistrableDomains parties;
  Shares places;
  std::list<Flight*> holding;  // the flights with places, by when they were asked
  size_t silent = 0;           // questions in flight that have given theirs up
  Line our_line;               // the waiting flights are in `flights`, too
  Line line;
  Shares seats;  // in both lines
  Timer silence;
  ResolverCounts counts;
  std::unique_ptr<CaresChannel> channel;
  std::vector<std::unique_ptr<CaresChannel>> old_channels;
  std::unique_ptr<CaresChannel> second_channel;
};

absl::Status CaresResolver::CheckServers(const std::vector<std::string>& servers) {
  return CaresChannel::CheckServers(servers);
}

absl::StatusOr<std::unique_ptr<CaresResolver>> CaresResolver::Create(Loop& loop, const ResolverSettings& settings) {
  ASSIGN_OR_RETURN(std::unique_ptr<CaresChannel> channel,
                   CaresChannel::Create(loop, settings, CaresChannel::Takes::kFirstAnswer));
  return std::unique_ptr<CaresResolver>(new CaresResolver(std::make_shared<Impl>(loop, settings, std::move(channel))));
}

CaresResolver::CaresResolver(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
CaresResolver::~CaresResolver() = default;

Resolver::Answer CaresResolver::Query(std::string name, DnsType type, MonoTime deadline, DnsNeed need) {
  absl::AsciiStrToLower(&name);
  if (AnswerPtr cached = impl_->cache.Find(DnsKey(name, type), impl_->loop.clock().Mono())) {
    ++impl_->counts.questions;
    ++impl_->counts.cache_hits;
    co_return cached;
  }
  co_return co_await QueryAnew(std::move(name), type, deadline, need);
}

Resolver::Answer CaresResolver::QueryAnew(std::string name, DnsType type, MonoTime deadline, DnsNeed need) {
  absl::AsciiStrToLower(&name);
  ++impl_->counts.questions;
  const DnsKey key(name, type);
  if (!IsDomainName(name)) co_return Without(DnsStatus::kMalformed, name);
  const FlightPtr flight = impl_->Join(key, need);
  if (flight == nullptr) co_return Without(DnsStatus::kOverload, name);
  co_await flight->ended.Wait(deadline);
  // The resolver may be gone by now.
  co_return flight->answer == nullptr ? Without(DnsStatus::kTimeout, name) : flight->answer;
}

ResolverCounts CaresResolver::counts() const { return impl_->counts; }

}  // namespace verifyd
