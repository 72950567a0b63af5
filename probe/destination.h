// A destination: the unit of politeness. It holds the queue of addresses that wait to be asked about there, a few
// connections that serve it, and the breakers that say when the place is better left alone.
//
// A connection takes batches of one domain: they share a transaction. Every address keeps its own deadline and gets its
// own finding, at once when its reply has come. What a server says of the session ("too many recipients", 421, a closed
// connection) is nobody's verdict: whom it hit is asked about again. A batch is answered by the first server that gives
// an answer, in the order of the route; see Conclude for who asks the next.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_DESTINATION_H_
#define VERIFYD_PROBE_DESTINATION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/random/random.h"
#include "base/loop.h"
#include "base/signal.h"
#include "base/timer.h"
#include "boost/asio/awaitable.hpp"
#include "mail/destination_state.h"
#include "probe/breaker.h"
#include "probe/dialer.h"
#include "probe/pace.h"
#include "probe/probe_job.h"
#include "probe/probe_queue.h"
#include "probe/session.h"

namespace verifyd {

// Written on the prober loop, read by any thread.
struct ProbeCounters {
  std::atomic<uint64_t> connections{0};
  std::atomic<uint64_t> sessions_now{0};
  std::atomic<uint64_t> queued_now{0};
  std::atomic<uint64_t> destinations_now{0};
};

class Destinations;

// While one lives, its destinations have something to do, and live.
class Busy {
 public:
  explicit Busy(std::shared_ptr<Destinations> all);
  Busy(Busy&& other) = default;
  Busy& operator=(Busy&&) = delete;
  ~Busy();

 private:
  std::shared_ptr<Destinations> all_;
};

class Destination {
 public:
  // Between two replies: a server that is slower than this does not want many questions at once.
  static constexpr absl::Duration kTarpitGap = absl::Seconds(1);
  static constexpr absl::Duration kTarpitMemory = absl::Minutes(10);
  // For so long what was found out of catch-all answers for the addresses that come together.
  static constexpr absl::Duration kCatchAllMemory = absl::Minutes(10);

  Destination(Destinations& all, DestinationState state);
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  // Answers `job` by its deadline.
  void Ask(std::unique_ptr<ProbeJob> job);
  // Nobody is asked here until then; InfinitePast: as usual again.
  void Hold(absl::Time until);
  // What an earlier run knew of one domain here.
  void RestoreDomain(const std::string& domain, DestinationState state);

  // Nothing is queued and nobody is connected.
  bool idle() const { return workers_ == 0; }
  // Nothing about it must be remembered.
  bool blank(absl::Time now) const;
  MonoTime idle_since() const { return idle_since_; }
  // Idle connections say goodbye now.
  void CloseIdle() { arrived_.NotifyAll(); }

 private:
  using Batch = std::vector<std::unique_ptr<ProbeJob>>;

  void Enqueue(std::unique_ptr<ProbeJob> job, ProbeQueue::End end);
  // One worker at a time waits for a connection's turn; when it has come it serves the queue until that is empty and
  // nobody comes within the idle time.
  void StartWorker();
  boost::asio::awaitable<void> Work(Busy busy);
  boost::asio::awaitable<bool> AwaitArrival();
  bool Keep(const Session& session, const ProbeJob& job, MonoTime opened) const;
  Batch TakeBatch(const Session* session);
  size_t BatchLimit(const ProbeJob& lead) const;
  static MonoTime LastDeadline(const Batch& batch);
  boost::asio::awaitable<std::shared_ptr<Session>> Open(Batch& batch);
  boost::asio::awaitable<bool> Serve(Batch& batch, Session& session);
  boost::asio::awaitable<void> ServeCatchAll(Batch& batch, Session& session);
  boost::asio::awaitable<CatchAll> CatchAllOf(ProbeJob& job, Session& session);
  boost::asio::awaitable<CatchAll> AskCatchAll(ProbeJob& job, Session& session);
  void AdaptBatch(size_t size, size_t first_again, bool too_many, absl::Duration longest_gap);
  // Says goodbye, while nobody waits for it.
  boost::asio::awaitable<void> Leave(std::shared_ptr<Session> session, Busy busy);

  // A server's word on a job: its answer, or the next server's turn.
  void Conclude(std::unique_ptr<ProbeJob> job, const Endpoint& endpoint, Finding finding);
  void SayRelayDenied(const ProbeJob& job, const Finding& finding);
  bool TryOtherProvider(ProbeJob& job, const Endpoint& endpoint);
  void Expire(ProbeJob& job);
  void Answer(ProbeJob& job, Finding finding);

  // The breakers: of a domain here, and of all.
  bool LetIn(ProbeJob& job);
  Breaker& BreakerOf(const std::string& domain);
  void Learn(const ProbeJob& job, const Finding& finding);
  void Trip(const std::string& domain, bool configured, Reason reason);
  void Report(const DestinationState& state);
  Finding Resting(const DestinationState& state) const;
  Finding OnHold() const;

  Destinations& all_;
  const std::string name_;
  Pace pace_;
  ProbeQueue queue_;
  Signal arrived_;  // for idle connections
  Breaker breaker_;
  absl::flat_hash_map<std::string, std::unique_ptr<Breaker>> domains_;
  // Addresses a transaction: grows while replies come fast, up to `batch_limit_`, which the server's words lower.
  size_t batch_ = 4;
  size_t batch_limit_ = SIZE_MAX;
  MonoTime tarpit_until_;
  std::optional<MonoTime> said_relay_denied_;
  // By domain; nothing while the question is in the air.
  absl::flat_hash_map<std::string, std::optional<std::pair<CatchAll, MonoTime>>> catch_all_;
  bool worker_waits_ = false;
  int workers_ = 0;
  MonoTime idle_since_;
};

// All destinations of one prober loop. Those that are idle for kIdleTime are forgotten, at once when there are
// kMaxDestinations; what is worth keeping of them was told to the observer.
class Destinations : public std::enable_shared_from_this<Destinations> {
 public:
  static constexpr absl::Duration kIdleTime = absl::Minutes(10);
  static constexpr size_t kMaxDestinations = 20000;

  // `observer` is called when a state changed in a way worth keeping. Loop and dialer must outlive it.
  Destinations(Loop& loop, Dialer& dialer, std::shared_ptr<ProbeCounters> counters,
               std::function<void(const DestinationState&)> observer);
  Destinations(const Destinations&) = delete;
  Destinations& operator=(const Destinations&) = delete;

  void Ask(std::unique_ptr<ProbeJob> job);
  void Restore(std::vector<DestinationState> states);
  void Hold(const std::string& name, absl::Time until);
  // For the end: idle connections are closed. Calls `idle` as soon as nobody is queued or connected; at once if so now.
  void WhenIdle(absl::AnyInvocable<void()> idle);

 private:
  friend class Destination;
  friend class Busy;

  // Public destinations in a row that did not answer at all, from which it is told that the fault is here.
  static constexpr size_t kUnreachedDestinations = 5;

  void NotePublicPort(const ProbeJob& job, const std::string& name, Finding& finding);
  Destination& FindOrAdd(const std::string& name);
  void ForgetIdle(absl::Duration idle_time);
  void BecameIdle();

  Loop& loop_;
  Dialer& dialer_;
  const std::shared_ptr<ProbeCounters> counters_;
  const std::function<void(const DestinationState&)> observer_;
  absl::flat_hash_map<std::string, std::unique_ptr<Destination>> by_name_;
  Timer forget_;
  absl::BitGen random_;
  absl::Duration connection_idle_time_;
  absl::flat_hash_set<std::string> unreached_;
  std::optional<MonoTime> said_blocked_;
  bool draining_ = false;
  size_t busy_ = 0;
  absl::AnyInvocable<void()> when_idle_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DESTINATION_H_
