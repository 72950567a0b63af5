// The prober: finds out about one address. The facade of this room: the verifier knows nothing else of it.
//
//   front loop:  Probe -> Router (DNS) -> post to ...
//   prober loop: Destination (queue, connections) -> Session (dialogue) -> Classifier -> ... post back
//
// Of the probes in the air a destination has its share (base/shares.h): what leads to one server, by however many
// domains, leaves room for others.
#ifndef VERIFYD_PROBE_PROBER_H_
#define VERIFYD_PROBE_PROBER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "classifier/classifier.h"
#include "dns/resolver.h"
#include "mail/address.h"
#include "mail/destination_activity.h"
#include "mail/destination_state.h"
#include "mail/probe_outcome.h"
#include "mail/probe_request.h"
#include "probe/breakers.h"
#include "probe/probe_settings.h"
#include "probe/route.h"
#include "stream/dialer.h"

namespace verifyd {

struct ProberCounts {
  uint64_t probes = 0;
  uint64_t connections = 0;          // opened
  uint64_t refused_connections = 0;  // of those, the server did not want
  uint64_t sessions_now = 0;
  uint64_t queued_now = 0;
  uint64_t destinations_now = 0;
};

class Prober {
 public:
  // A loop that destinations live on, and the dialer that lives there.
  struct Shard {
    Loop& loop;
    Dialer& dialer;
  };
  // Destinations are spread over the shards by name; at least one. A shard's loop may be `front` (tests,
  // probe_threads = 0). `resolver` lives on the front loop. All outlive the prober.
  Prober(Loop& front, Resolver& resolver, const std::vector<Shard>& shards);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Front loop only, all of these.

  // Before the first Probe, and again after a reload; probes in the air keep what they began with.
  void Configure(std::shared_ptr<const ProbeSettings> settings, std::shared_ptr<const Classifier> classifier);

  // What is wrong on our side, as the log has said (probe/alarms.h).
  std::vector<std::string> StandingAlarms() const;

  // Ends when it is known where to ask and the request is handed over, or that nobody is to be asked. `answer` is
  // called once, with the request as it was given: by request.deadline at the latest, perhaps before this ends. Where
  // an exception ends it before it is known where to ask, the answer is our own failure (reason local_error). As many
  // probes are in the air as there is room for, so what waits for one is small.
  using Answer = absl::AnyInvocable<void(ProbeRequest&& request, ProbeOutcome&& outcome)>;
  // Called before `answer`, at most once, where the server has accepted the address and is still asked whether it
  // accepts everybody. May be null.
  using Accepted = absl::AnyInvocable<void(const Finding& finding)>;
  boost::asio::awaitable<void> Begin(ProbeRequest request, Answer answer, Accepted accepted = nullptr);
  // The same for a coroutine that waits for it.
  boost::asio::awaitable<ProbeOutcome> Probe(ProbeRequest request);

  // Where a probe from `sender` would ask about the address itself, by SMTP or LMTP. Nothing: there is no such place,
  // or it could not be found by `deadline`.
  boost::asio::awaitable<std::optional<Route>> FindRoute(Address address, std::string sender, MonoTime deadline);

  // Asked on the front loop for what was reported of a destination, or of a domain there, when one is made anew: the
  // prober keeps so many, and what it forgot must not be lost. Before the first Probe; either may be null.
  struct StateRecall {
    std::function<std::optional<DestinationState>(const std::string& name)> destination;
    std::function<std::optional<DomainBreaker>(const std::string& destination, const std::string& domain)> domain;
  };
  void SetRecall(StateRecall recall);
  // What an earlier run knew; before the first Probe.
  void Restore(std::vector<DestinationState> states, std::vector<DomainBreaker> domains);
  // Nobody is asked at the destination of this name until then; InfinitePast ends that. Observed, as all changes are.
  void Hold(const std::string& destination, absl::Time until);
  // Forgets what speaks against the destination, and what was found out of its pace; a hold stays.
  void Reset(const std::string& destination);
  // What goes on at one destination, or at all of them ("").
  boost::asio::awaitable<std::vector<DestinationActivity>> Activity(std::string destination);
  // Called on the front loop.
  void SetObserver(StateObserver observer);

  // Closes idle connections with QUIT and ends when all are closed or at `deadline`. No Probe may follow.
  boost::asio::awaitable<void> Drain(MonoTime deadline);

  ProberCounts counts() const;  // any thread
  // Answers, and what else the prober has to say, that have come while the front loop was busy. Front loop only.
  size_t untaken() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PROBER_H_
