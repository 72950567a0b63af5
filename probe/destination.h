// A destination: the unit of politeness. It holds the queue of addresses that wait to be asked about there, a few
// connections that serve it, and the breakers that say when the place is better left alone.
//
// A connection takes batches of one domain: they share a transaction. Every address keeps its own deadline and gets its
// own finding as soon as its reply has come. A reply about the session ("too many recipients", 421, a closed
// connection) is nobody's verdict: the addresses that it hit are asked about again. The first server that gives an
// answer, in the order of the route, answers a batch; Conclude decides whether the next is asked.
//
// Thread: the prober loop only.
#ifndef VERIFYD_PROBE_DESTINATION_H_
#define VERIFYD_PROBE_DESTINATION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"
#include "mail/destination_activity.h"
#include "mail/destination_state.h"
#include "probe/address_limits.h"
#include "probe/breaker_set.h"
#include "probe/complaints.h"
#include "probe/destination_set.h"
#include "probe/pace.h"
#include "probe/probe_job.h"
#include "probe/probe_queue.h"
#include "probe/recent_answers.h"
#include "probe/session.h"
#include "probe/unknown_share.h"

namespace verifyd {

class Destination {
 public:
  // A server that takes longer than this between two replies does not want many questions at once.
  static constexpr absl::Duration kTarpitGap = absl::Seconds(1);
  static constexpr absl::Duration kTarpitMemory = absl::Minutes(10);
  // A recipient that gets no reply for so long, and for kSilentReplies times as long as replies take here, keeps no
  // others waiting: they are asked on another connection. Where it is not known how long replies take, kLongSilence
  // counts. While others are queued, at most half of the connections wait for such recipients.
  static constexpr absl::Duration kSilence = absl::Seconds(3);
  static constexpr int kSilentReplies = 4;
  static constexpr absl::Duration kLongSilence = absl::Seconds(30);
  // For so long a session has no more recipients refused than the server bore before it closed one.
  static constexpr absl::Duration kRefusalMemory = absl::Minutes(10);
  // The replies to a batch take about so long at most. So a job that comes meanwhile does not wait long, and a slow
  // server's other connections get their part of the queue.
  static constexpr absl::Duration kBatchTime = absl::Seconds(1);
  // They may take so many times as long where there are several connections, and enough to ask for all of them: mostly
  // another connection comes free as soon, and fewer commands stand between the addresses.
  static constexpr int kLongBatch = 2;
  static constexpr int kSeveralConnections = 4;
  // For so long a finding about catch-all serves the other addresses of the domain.
  static constexpr absl::Duration kCatchAllMemory = absl::Minutes(10);

  Destination(DestinationSet& all, DestinationState state);
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  // Answers `job` by its deadline.
  void Ask(std::unique_ptr<ProbeJob> job);
  // Asks nobody here until then; InfinitePast: as usual again.
  void Hold(absl::Time until) { breakers_.Hold(until); }
  // Takes what an earlier run knew of one domain here.
  void RestoreDomain(DomainBreaker state) { breakers_.RestoreDomain(std::move(state)); }
  // Forgets what speaks against it and what was found out of its pace.
  void Reset();
  DestinationActivity Activity() const;
  // Returns the owner of the servers: what one of them thinks of our address, all do.
  static std::string ProviderOfName(const std::string& name);

  // True if nothing is queued and nobody is asked; a connection may still say goodbye.
  bool idle() const { return workers_ == 0; }
  bool held(absl::Time now) const { return breakers_.held(now); }
  // True if nothing about it must be remembered.
  bool blank(absl::Time now) const { return breakers_.blank(now); }
  MonoTime idle_since() const { return idle_since_; }
  // Makes idle connections say goodbye now.
  void CloseIdle() { arrived_.NotifyAll(); }

 private:
  using Batch = std::vector<std::unique_ptr<ProbeJob>>;
  // A batch that is asked in a session.
  struct Round;
  // By domain; nothing while the question is in the air.
  using CatchAlls = absl::flat_hash_map<std::string, std::optional<std::pair<CatchAll, MonoTime>>>;

  const std::string& name() const { return breakers_.name(); }
  void Enqueue(std::unique_ptr<ProbeJob> job, ProbeQueue::End end);
  // Looks after `pause` whether the server still answers in the round.
  void Watch(Round& round, absl::Duration pause);
  void Look(Round& round);
  void MakeRoom();
  // At most one worker of each kind (KindOf) waits for a connection's turn. When it has come the worker serves the
  // queue until that is empty and nothing comes within the idle time.
  void StartWorker();
  boost::asio::awaitable<void> Work(Busy busy, SlotClaim claim);
  boost::asio::awaitable<void> AwaitTurn(const SlotClaim& claim);
  static SlotClaim ClaimFor(const ProbeJob& job);
  boost::asio::awaitable<bool> ServeNext(std::unique_ptr<Session>& session, const SlotClaim& claim);
  boost::asio::awaitable<bool> AwaitPlace(const SlotClaim& claim, AddressLimits::Place& place);
  void EndWork(const SlotClaim& claim);
  boost::asio::awaitable<bool> AwaitArrival();
  void LeaveSoon(std::unique_ptr<Session>& session);
  bool Keep(const Session& session, const ProbeJob& job) const;
  Batch TakeBatch(const Session* session, size_t limit);
  size_t BatchLimit(const ProbeJob& lead, const Session* session) const;
  // Returns how many recipients may still be refused in the session, or in a new one (null).
  size_t RefusalsLeft(const Session* session) const;
  static MonoTime LastDeadline(const Batch& batch);
  boost::asio::awaitable<std::unique_ptr<Session>> Open(Batch& batch, AddressLimits::Place place);
  void NoteOpened(Batch& batch, const Session& session, const Finding* refusal, absl::Duration took);
  void TurnAway(Batch& batch, const Session& session, const Finding& refusal);
  void TakeAnswer(Round& round, Enquiry& enquiry);
  static void AskAlone(ProbeJob& job);
  void NotePace(const Round& round);
  void AskRestAgain(Round& round);
  Farewell FarewellFor(const Batch& batch) const;
  boost::asio::awaitable<void> ServeCatchAll(Round& round);
  boost::asio::awaitable<CatchAll> CatchAllOf(ProbeJob& job, Session& session);
  boost::asio::awaitable<CatchAll> AskCatchAll(ProbeJob& job, Session& session);
  // Returns whether there are several connections, and so many batches for each are queued.
  bool EnoughFor(size_t batches) const;
  void AdaptBatch(size_t size, size_t first_again, bool too_many, absl::Duration longest_gap, absl::Duration took);
  // Both say goodbye; the second while nobody waits for it.
  boost::asio::awaitable<void> Leave(Session& session);
  boost::asio::awaitable<void> LeaveBehind(Busy busy, std::unique_ptr<Session> session);

  // Takes a server's word on a job: answers the job, or lets the next server be asked.
  void Conclude(std::unique_ptr<ProbeJob> job, const Endpoint& endpoint, std::unique_ptr<Finding> finding);
  void NoteUnknown(const ProbeJob& job, const Finding& finding);
  void SayRelayDenied(const ProbeJob& job, const Finding& finding);
  bool TryOtherProvider(ProbeJob& job, const Endpoint& endpoint);
  void Expire(ProbeJob& job);
  void Answer(ProbeJob& job, Finding finding);

  bool LetIn(ProbeJob& job);
  void SkipDeadHosts(ProbeJob& job);
  SourceAddresses SourcesFor(const ProbeJob& job);
  // Slows down if the server said that we are too many, or too fast; its addresses are then asked about again. Returns
  // false if it did not say so, or too often.
  bool SlowDown(const ProbeJob& job, const Finding& finding, const Session& session);
  bool BelieveComplaint(const ProbeJob& job);
  bool TryOtherSource(ProbeJob& job, const Finding& finding, const Session& session);
  // Lets our address `source` rest at this provider. Returns whether another one is left there.
  bool Rest(const ProbeJob& job, const std::string& source, const Finding& finding);
  void CompareSources(const ProbeJob& job, const Finding& finding, const Session& session);
  void AskAgain(std::unique_ptr<ProbeJob> job, ProbeQueue::End end);
  void Remember();
  // Our addresses that are blocked here.
  std::vector<RestingSource> Resting() const;
  // Costs a search among all public suffixes: call it only where there are addresses of ours to choose from.
  std::string provider() const { return ProviderOfName(name()); }

  DestinationSet& all_;
  Pace pace_;
  ProbeQueue queue_;
  Signal arrived_;  // for idle connections
  BreakerSet breakers_;
  RecentAnswers answers_;
  Complaints complaints_;
  UnknownShare unknown_share_;  // of all domains, for display
  // Addresses in a transaction. The number grows while replies come fast, up to `batch_limit_`, which the server's
  // words lower.
  size_t batch_ = 4;
  size_t batch_limit_ = SIZE_MAX;
  MonoTime tarpit_until_;
  // Recipients refused in a session before the server closed it.
  size_t refusal_limit_ = SIZE_MAX;
  MonoTime refusal_limit_until_;
  bool slowed_by_few_ = false;             // complaints at RCPT were believed, as no other domain was asked about
  std::vector<Round*> silent_;             // with one recipient left that gets no reply; the longest first
  MonoTime say_relay_denied_;              // not before
  std::unique_ptr<CatchAlls> catch_all_;   // null: never asked
  std::array<bool, 3> worker_waits_ = {};  // by kind; see KindOf
  bool at_gate_ = false;                   // a worker waits for a place at an address
  int workers_ = 0;
  int greeted_ = 0;         // sessions that may ask
  bool exhausted_ = false;  // the last attempt to connect failed for lack of descriptors or ports
  MonoTime idle_since_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_DESTINATION_H_
