// The prober finds out about one address. It is the facade of this room: the verifier knows nothing else of it.
//
//   front loop:  Probe -> Router (DNS) -> post to ...
//   prober loop: Destination (queue, connections) -> Session (dialogue) -> Classifier -> ... post back
//
// A destination has its share of the probes in the air (base/shares.h): those that lead to one server, by however many
// domains, leave room for others.
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
#include "mail/source.h"
#include "probe/alarms.h"
#include "probe/breaker_set.h"
#include "probe/probe_settings.h"
#include "probe/route.h"
#include "stream/dialer.h"

namespace verifyd {

struct ProberCounts {
  uint64_t probes = 0;
  uint64_t connections = 0;          // opened
  uint64_t refused_connections = 0;  // of those, not wanted by the server
  uint64_t sessions_now = 0;
  uint64_t queued_now = 0;
  uint64_t destinations_now = 0;
};

class Prober final : public Source {
 public:
  // A loop that destinations live on, and the dialer that lives there.
  struct Shard {
    Loop& loop;
    Dialer& dialer;
  };
  // Destinations are spread over the shards by name; there is at least one. A shard's loop may be `front` (tests,
  // probe_threads = 0). `resolver` lives on the front loop. All must outlive the prober.
  Prober(Loop& front, Resolver& resolver, const std::vector<Shard>& shards);
  ~Prober() override;
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // All of these are for the front loop only.

  // Call it before the first Probe, and again after a reload; probes in the air keep what they began with.
  void Configure(std::shared_ptr<const ProbeSettings> settings, std::shared_ptr<const Classifier> classifier);

  // Returns what is wrong on our side, as the log has said (probe/alarms.h).
  std::vector<std::string> StandingAlarms() const;
  // The alarms, for another source to raise its own; they live as long as the prober.
  Alarms& alarms();

  // Ends when the request is handed over to its destination, or nobody is to be asked. If an exception ends it before
  // that, the answer is our own failure (reason local_error). An address that Postfix's own verify(8) is to be asked
  // about is not ours; the referral says where. Many probes are in the air, so little waits for each.
  boost::asio::awaitable<void> Begin(ProbeRequest request, Answer answer, Accepted accepted) override;

  // Returns where a probe from `sender` would ask about the address itself, by SMTP or LMTP. Nothing: there is no such
  // place, or it could not be found by `deadline`.
  boost::asio::awaitable<std::optional<Route>> FindRoute(Address address, std::string sender, MonoTime deadline);

  // These return, on the front loop, what was reported of a destination, or of a domain there, when one is made anew:
  // the prober keeps only so many, and what it forgot must not be lost. Set them before the first Probe; either may be
  // null.
  struct StateRecall {
    std::function<std::optional<DestinationState>(const std::string& name)> destination;
    std::function<std::optional<DomainBreaker>(const std::string& destination, const std::string& domain)> domain;
  };
  void SetRecall(StateRecall recall);
  // Takes what an earlier run knew; call it before the first Probe.
  void Restore(std::vector<DestinationState> states, std::vector<DomainBreaker> domains);
  // Lets nobody be asked at the destination of this name until then; InfinitePast ends that. The observer is told, as
  // of all changes.
  void Hold(const std::string& destination, absl::Time until);
  // Forgets what speaks against the destination, and what was found out about its pace; a hold stays.
  void Reset(const std::string& destination);
  // Returns what goes on at one destination, or at all of them ("").
  boost::asio::awaitable<std::vector<DestinationActivity>> Activity(std::string destination);
  // The observer is called on the front loop.
  void SetObserver(StateObserver observer);

  // Closes idle connections with QUIT and ends when all are closed or at `deadline`. No Probe may follow.
  boost::asio::awaitable<void> Drain(MonoTime deadline);

  ProberCounts counts() const;  // any thread
  // Returns how many answers, and other messages of the prober, came while the front loop was busy. Front loop only.
  size_t untaken() const override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PROBER_H_
