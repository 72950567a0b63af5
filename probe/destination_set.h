// All destinations of one prober loop, and what they share: the slots of sessions, the dead hosts, our own addresses. A
// destination that is idle for kIdleTime, and about which nothing must be remembered, is forgotten. At kMaxDestinations
// room is made: the cheap are forgotten first; those that are busy, or that the operator holds, never. The observer was
// told what is worth keeping of them; that is recalled when one is made anew.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_DESTINATION_SET_H_
#define VERIFYD_PROBE_DESTINATION_SET_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/random/random.h"
#include "base/loop.h"
#include "base/loop_bound.h"
#include "base/timer.h"
#include "mail/destination_activity.h"
#include "mail/destination_state.h"
#include "probe/address_limits.h"
#include "probe/breaker_set.h"
#include "probe/dead_hosts.h"
#include "probe/probe_job.h"
#include "probe/session_slots.h"
#include "probe/source_pool.h"
#include "probe/unknown_shares.h"
#include "stream/dialer.h"

namespace verifyd {

// Written on the prober loops, read by any thread.
struct ProbeCounters {
  std::atomic<uint64_t> connections{0};
  std::atomic<uint64_t> refused_connections{0};
  std::atomic<uint64_t> sessions_now{0};
  std::atomic<uint64_t> queued_now{0};
  std::atomic<uint64_t> destinations_now{0};
};

class Destination;
class DestinationSet;

// While one lives, the destinations live, and are not idle.
class Busy {
 public:
  explicit Busy(std::shared_ptr<DestinationSet> all);
  Busy(Busy&& other) = default;
  Busy& operator=(Busy&&) = delete;
  ~Busy();

 private:
  std::shared_ptr<DestinationSet> all_;
};

class DestinationSet : public std::enable_shared_from_this<DestinationSet> {
 public:
  static constexpr absl::Duration kIdleTime = absl::Minutes(10);
  static constexpr size_t kMaxDestinations = 20000;
  // So many are forgotten at a time, so that not all are looked at for each new one.
  static constexpr size_t kMadeRoom = kMaxDestinations / 16;

  // `recall` gets the jobs whose destination is not known here. It fills in `remembered` and calls Ask again, perhaps
  // later; null: nothing is remembered. Loop and dialer must outlive it.
  DestinationSet(Loop& loop, Dialer& dialer, std::shared_ptr<ProbeCounters> counters, StateObserver observer,
                 std::function<void(std::unique_ptr<ProbeJob>)> recall = nullptr);
  ~DestinationSet();
  DestinationSet(const DestinationSet&) = delete;
  DestinationSet& operator=(const DestinationSet&) = delete;

  void Ask(std::unique_ptr<ProbeJob> job);
  void Restore(std::vector<DestinationState> states, std::vector<DomainBreaker> domains);
  // `remembered` counts where the destination is not known here.
  void Hold(const std::string& name, absl::Time until, std::optional<DestinationState> remembered = std::nullopt);
  // Forgets what speaks against a destination and what was found out about it.
  void Reset(const std::string& name, std::optional<DestinationState> remembered = std::nullopt);
  // Returns what goes on at the destination of this name, or at all ("").
  std::vector<DestinationActivity> Activity(const std::string& name) const;
  // For the end: closes idle connections, and calls `idle` as soon as nothing is queued or connected; at once if so
  // now.
  void WhenIdle(absl::AnyInvocable<void()> idle);

 private:
  friend class Destination;
  friend class Busy;

  // After so many owners of public servers in a row that did not answer at all, the fault is here.
  static constexpr size_t kUnreachedOwners = 5;

  void NotePublicPort(const ProbeJob& job, const DestinationState& state, Finding& finding);
  void NoteExhausted(const std::string& error);
  Destination& FindOrAdd(const std::string& name, std::optional<DestinationState> remembered = std::nullopt);
  Destination& AddFor(const ProbeJob& job);
  void RestoreDestinations(std::vector<DestinationState> states);
  void NoteRemembered(const std::string& destination, const BreakerState& state);
  // Restores what was kept of the job's domain there, where nothing is known of that yet.
  static void RestoreDomainOf(const ProbeJob& job, Destination& destination);
  Destination& Add(const std::string& name, std::optional<DestinationState> remembered);
  void MakeRoom();
  void ForgetIdle();
  void BecameIdle();

  Loop& loop_;
  [[no_unique_address]] LoopBound bound_{loop_};
  Dialer& dialer_;
  const std::shared_ptr<ProbeCounters> counters_;
  const StateObserver observer_;
  const std::function<void(std::unique_ptr<ProbeJob>)> recall_;
  absl::flat_hash_map<std::string, std::unique_ptr<Destination>> by_name_;
  SessionSlots slots_;
  AddressLimits address_limits_;
  DeadHosts dead_hosts_;
  SourcePool sources_;
  UnknownShares unknown_shares_;
  Timer forget_;
  absl::BitGen random_;
  absl::Duration connection_idle_time_;
  size_t make_room_at_ = kMaxDestinations;
  absl::flat_hash_set<std::string> unreached_;  // registrable domains of servers
  bool unreached_had_answered_ = false;         // one of them, once
  bool public_ever_answered_ = false;           // any public server
  std::optional<MonoTime> said_blocked_;
  std::optional<MonoTime> said_exhausted_;
  bool draining_ = false;
  size_t busy_ = 0;
  absl::AnyInvocable<void()> when_idle_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DESTINATION_SET_H_
