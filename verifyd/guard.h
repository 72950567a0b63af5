// The guard: doubts a destination, not an address. A directory that is gone, a server that was restored empty or a
// route that leads to the wrong place refuses everybody, in the very words of a healthy server; believing it would turn
// away mail for people who exist.
//
//  - A configured route that has never accepted anybody is believed once its canary (verify_canary), or postmaster@ of
//    the domain, is accepted.
//  - A canary that is refused puts its destination in doubt, until it is accepted again.
//  - So do three and at least 30 % of the addresses asked about within an hour that are refused although they are known
//    to exist, until one of them is accepted again.
//
// While there is a doubt nothing negative is learned from the destination: the finding becomes temporary, with reason
// destination_doubted. `verifyctl trust` ends a doubt, too.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_GUARD_H_
#define VERIFYD_VERIFYD_GUARD_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "mail/address.h"
#include "mail/destination_state.h"
#include "mail/probe_outcome.h"
#include "mail/probe_request.h"
#include "probe/prober.h"

namespace verifyd {

struct GuardSettings {
  // verify_canary: addresses that exist for certain, by domain.
  absl::flat_hash_map<std::string, Address> canaries;
};

class Guard {
 public:
  static constexpr absl::Duration kWindow = absl::Hours(1);
  static constexpr size_t kFlips = 3;
  static constexpr double kFlippedShare = 0.3;
  // A canary is not asked about more often, except the first time.
  static constexpr absl::Duration kCanaryPause = absl::Minutes(5);

  // All outlive the guard.
  Guard(Loop& loop, Cache& cache, Prober& prober) : loop_(loop), cache_(cache), prober_(prober) {}
  void Configure(std::shared_ptr<const GuardSettings> settings) { settings_ = std::move(settings); }

  // What was held true of an address before the probe.
  enum class Before {
    kNothing,
    kPositive,
    kContradicted,  // a positive that was refused once since
  };

  // Takes note of what the probe that `request` began has found of an address, and returns what may be believed of it.
  // May ask about a canary first, by request.deadline.
  boost::asio::awaitable<Finding> Judge(ProbeRequest request, ProbeOutcome outcome, Before before);

  // The same of what somebody else has found there, at finding.when. No canary is asked: what a configured route
  // refuses is believed once it is known to have accepted anybody. What is not of this hour begins no doubt.
  bool BelievesReport(const ProbeOutcome& outcome);
  void NoteReport(const ProbeOutcome& outcome, Before before);

  // The operator vouches for a destination: what it says counts from now on. False where nothing is known of it.
  bool EndDoubt(const std::string& destination);

 private:
  enum class Canary { kAccepted, kRefused, kNoAnswer };
  struct Watched {
    // Known positives asked about within the window: when, and whether they were refused.
    std::deque<std::pair<MonoTime, bool>> known;
  };
  struct Asked {
    MonoTime when;
    std::shared_ptr<Signal> asking;  // while the question is in the air
    Canary canary = Canary::kNoAnswer;
  };

  boost::asio::awaitable<Canary> AskCanary(ProbeRequest request, std::string destination);
  void NoteAccepted(const Address& address, const ProbeOutcome& outcome, Before before);
  void NoteKnown(const std::string& destination, bool refused);
  bool ManyRefused(const std::string& destination);
  void DoubtManyRefused(const std::string& destination);
  void BeginDoubt(const std::string& destination, Doubt doubt, absl::string_view why);
  void SetTrust(const std::string& destination, Trust trust);
  Trust TrustOf(const std::string& destination);
  bool IsCanary(const Address& address) const;

  Loop& loop_;
  Cache& cache_;
  Prober& prober_;
  std::shared_ptr<const GuardSettings> settings_ = std::make_shared<const GuardSettings>();
  // Forgotten as a whole when there are too many: a window is all that is lost.
  absl::flat_hash_map<std::string, Watched> watched_;
  // By destination and domain.
  absl::flat_hash_map<std::pair<std::string, std::string>, Asked> asked_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_GUARD_H_
