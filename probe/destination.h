// A destination: the unit of politeness. It holds the queue of addresses that wait to be asked about there, gives them
// their turn (most urgent first, then first come), and remembers how the place has been behaving.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_DESTINATION_H_
#define VERIFYD_PROBE_DESTINATION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "base/loop.h"
#include "base/timer.h"
#include "boost/asio/awaitable.hpp"
#include "mail/destination_state.h"
#include "mail/probe_outcome.h"
#include "mail/probe_request.h"
#include "probe/dialer.h"
#include "probe/pace.h"
#include "probe/probe_settings.h"
#include "probe/route.h"
#include "probe/session.h"
#include "probe/transcript.h"
#include "verdict/classifier.h"

namespace verifyd {

// One address on its way through a destination.
struct ProbeJob {
  ProbeJob(ProbeRequest request, Route route, Transcript transcript)
      : request(std::move(request)), route(std::move(route)), transcript(std::move(transcript)) {}

  ProbeRequest request;
  Route route;
  std::shared_ptr<const ProbeSettings> settings;
  std::shared_ptr<const Classifier> classifier;
  Transcript transcript;
  ProbeOutcome outcome;  // filled on the way
  MonoTime queued;
  // Called once, on the prober loop.
  absl::AnyInvocable<void(ProbeOutcome)> answer;
};

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
  Destination(Destinations& all, DestinationState state);
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  // Answers `job` by its deadline.
  void Ask(std::unique_ptr<ProbeJob> job);

  const DestinationState& state() const { return state_; }
  // Nothing is queued and nobody is connected.
  bool idle() const { return workers_ == 0; }
  MonoTime idle_since() const { return idle_since_; }

 private:
  struct Waiting {
    Waiting(Timers& timers, std::unique_ptr<ProbeJob> job) : job(std::move(job)), expiry(timers) {}
    std::unique_ptr<ProbeJob> job;
    Timer expiry;
  };
  using Turn = std::pair<Urgency, uint64_t>;

  // One worker at a time waits for a connection's turn; when it has come it takes the most urgent job.
  void StartWorker();
  boost::asio::awaitable<void> Work(Busy busy);
  std::unique_ptr<ProbeJob> TakeNext();
  void Expire(Turn turn);
  // Asks the servers of the job's route in order and answers.
  boost::asio::awaitable<void> Serve(std::unique_ptr<ProbeJob> job);
  boost::asio::awaitable<Finding> AskServer(ProbeJob& job, Session& session);
  // Says goodbye, while nobody waits for it.
  boost::asio::awaitable<void> Leave(std::shared_ptr<Session> session, Busy busy);
  void Answer(ProbeJob& job, Finding finding);
  void NoteSuccess();
  void NoteFailure(Reason reason);

  Destinations& all_;
  DestinationState state_;
  Pace pace_;
  absl::btree_map<Turn, std::unique_ptr<Waiting>> queue_;
  uint64_t next_turn_ = 0;
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
  // Calls `idle` as soon as nobody is queued or connected; at once if so now. One at a time.
  void WhenIdle(absl::AnyInvocable<void()> idle);

 private:
  friend class Destination;
  friend class Busy;

  Destination& FindOrAdd(const std::string& name);
  void ForgetIdle(absl::Duration idle_time);
  void BecameIdle();

  Loop& loop_;
  Dialer& dialer_;
  const std::shared_ptr<ProbeCounters> counters_;
  const std::function<void(const DestinationState&)> observer_;
  absl::flat_hash_map<std::string, std::unique_ptr<Destination>> by_name_;
  Timer forget_;
  size_t busy_ = 0;
  absl::AnyInvocable<void()> when_idle_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DESTINATION_H_
