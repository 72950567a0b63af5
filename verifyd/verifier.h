// The verifier: answers questions from memory, or by a probe. It is the only one that knows both sides, what we know
// (cache/) and how we find out (probe/); it never knows which door asked.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_H_
#define VERIFYD_VERIFYD_VERIFIER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "mail/probe_sender.h"
#include "mail/question.h"
#include "mail/verdict.h"
#include "probe/domain_list.h"
#include "probe/prober.h"
#include "verifyd/flights.h"
#include "verifyd/metrics.h"

namespace verifyd {

struct VerifierSettings {
  Lifetimes lifetimes;
  DomainList verify_domains;
  ProbeSender probe_sender;
  std::string helo;
  absl::Duration probe_time_limit = absl::Seconds(300);
  size_t flight_limit = 5000;
  size_t waiter_limit = 20000;
};

class Verifier {
 public:
  // All outlive the verifier.
  Verifier(Loop& loop, Cache& cache, Prober& prober, Metrics& metrics);

  // Before the first question, and after a reload; probes in the air keep what they began with.
  void Configure(std::shared_ptr<const VerifierSettings> settings);

  // The way of a question: pin, fresh record, domain fact, flight in the air, probe. Answers after `question.patience`
  // at the latest (state kInProgress; the probe goes on). Over the limits of flights and waiters a new address gets
  // reason overload, which is temporary.
  boost::asio::awaitable<Verdict> Verify(Question question);

  // The part of Verify that needs no waiting: what memory says, if that is an answer. Starts a refresh behind it where
  // one is due.
  std::optional<Verdict> Recall(const Question& question);

  // Whether the address is being asked about just now.
  bool Probing(const Address& address) const { return flights_.InTheAir(address.Key()); }

  const Clock& clock() const { return loop_.clock(); }
  size_t waiting() const { return waiting_; }
  size_t flying() const { return flights_.size(); }

 private:
  struct Memory;
  Memory Remember(const Address& address, absl::Time now) const;
  Verdict Standing(const Address& address) const;
  boost::asio::awaitable<void> Fly(std::shared_ptr<Flight> flight, ProbeRequest request);
  void TakeIn(const Address& address, const ProbeOutcome& outcome);
  ProbeRequest RequestFor(const Question& question) const;
  boost::asio::awaitable<void> Refresh(Address address);

  Loop& loop_;
  Cache& cache_;
  Prober& prober_;
  Metrics& metrics_;
  Flights flights_;
  std::shared_ptr<const VerifierSettings> settings_;
  size_t waiting_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_H_
