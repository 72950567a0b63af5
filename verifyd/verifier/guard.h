// The guard: doubts a destination, not an address. A directory that is gone, a server that was restored empty or a
// route that leads to the wrong place refuses everybody, in the very words of a healthy server; believing it would turn
// away mail for people who exist.
//
//  - A configured route that has never accepted anybody is believed once its canary (verify_canary), or postmaster@ of
//    the domain, is accepted.
//  - A canary that is refused puts its destination in doubt, until it is accepted again.
//  - So do users who are refused although they are known to exist: three of them, and at least 30 % of the known that
//    were asked about within an hour. A user counts once, with the latest answer, however often he was asked about.
//    They put their own domain there in doubt; the whole destination only where they are of several domains, so that a
//    tenant who removes mailboxes stops nobody's refusals but those of his own. Such a doubt ends when one of the
//    refused is accepted again, or when so many others are that the refused are less than 30 % again: while it stands
//    all users count, known or new, from the hour before it on, and three at least must have been accepted since.
//
// While there is a doubt nothing negative is learned from there: the finding becomes temporary, with reason
// destination_doubted. `verifyctl trust` ends a doubt, too; who was refused before it is not counted again for an hour.
//
// A doubt is part of what is kept of the destination, or of the domain there, and outlives a restart. That of a domain
// is forgotten in the end (cache/lifetime.h), and where the names are too long to be kept there is none. Who was
// counted does not: the count begins anew.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_GUARD_H_
#define VERIFYD_VERIFYD_VERIFIER_GUARD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/forgetful_table.h"
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
  // Users who must be accepted before a doubt ends by itself.
  static constexpr size_t kAcceptedAgain = 3;
  // A canary is not asked about more often, except the first time.
  static constexpr absl::Duration kCanaryPause = absl::Minutes(5);
  // Destinations that are watched, and canaries that are remembered: those worth least are forgotten.
  static constexpr size_t kMaxWatched = 20000;

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
  // May ask about a canary first, by request.deadline. The referenced values must live until it returns.
  boost::asio::awaitable<Finding> Judge(const ProbeRequest& request, const ProbeOutcome& outcome, Before before);

  // The same of what somebody else has found there, at finding.when. No canary is asked: what a configured route
  // refuses is believed once it is known to have accepted anybody. What is not of this hour begins no doubt.
  bool BelievesReport(const Address& address, const ProbeOutcome& outcome);
  void NoteReport(const Address& address, const ProbeOutcome& outcome, Before before);

  // A destination, or one domain there.
  struct Place {
    absl::string_view destination;
    absl::string_view domain;  // empty: the whole destination
  };
  // The operator vouches for a destination, and all domains there, or for one: what is said there counts from now on.
  // False where nothing is known of it.
  bool EndDoubt(Place place);

 private:
  enum class Canary { kAccepted, kRefused, kNoAnswer };
  // The latest answer about a user who was known to exist, or who was accepted during a doubt.
  struct Answer {
    MonoTime when;
    uint64_t domain = 0;
    bool refused = false;
    bool vouched = false;  // refused when a doubt ended: he is gone
  };
  struct Watched {
    // By a hash of the address, which nobody outside can foresee.
    absl::flat_hash_map<uint64_t, Answer> users;
    // How many were refused within the hour, then the latest answer.
    std::pair<size_t, MonoTime> Worth(MonoTime now) const;
  };
  // Of the users of a domain, or of all.
  struct Count {
    size_t refused = 0;
    size_t accepted = 0;
    size_t accepted_since = 0;     // the doubt began
    bool several_domains = false;  // those who were refused are of
    bool many_refused() const {
      return refused >= kFlips &&
             static_cast<double>(refused) >= kFlippedShare * static_cast<double>(refused + accepted);
    }
  };
  struct Asked {
    MonoTime when;
    Canary canary = Canary::kNoAnswer;
  };
  // A question in the air.
  struct Asking {
    explicit Asking(Loop& loop) : answered(loop) {}
    Signal answered;
    Canary canary = Canary::kNoAnswer;
  };

  boost::asio::awaitable<Canary> AskCanary(ProbeRequest request, std::string destination);
  void NoteAccepted(const Address& address, const ProbeOutcome& outcome, Before before);
  void NoteUser(const std::string& destination, const Address& address, bool refused);
  // Of the hour, or, where `trust` doubts many refusals, of that before the doubt and since. Empty domain: of all.
  Count CountUsers(const std::string& destination, absl::string_view domain, const Trust& trust) const;
  void DoubtIfManyRefused(const std::string& destination, const std::string& domain);
  bool EndIfAcceptedAgain(Place place, const Trust& trust, Before before);
  void BeginDoubt(Place place, Doubt doubt, absl::string_view why);
  enum class Refused : uint8_t { kForgotten, kVouched };  // what becomes of those who were counted
  void Believe(Place place, Refused refused);
  void SetTrust(Place place, Trust trust);
  Trust TrustOf(Place place);
  bool IsCanary(const Address& address) const;

  Loop& loop_;
  Cache& cache_;
  Prober& prober_;
  std::shared_ptr<const GuardSettings> settings_ = std::make_shared<const GuardSettings>();
  ForgetfulTable<std::string, Watched> watched_{kMaxWatched};
  // By destination and domain.
  ForgetfulTable<std::pair<std::string, std::string>, Asked> asked_{kMaxWatched};
  absl::flat_hash_map<std::pair<std::string, std::string>, std::shared_ptr<Asking>> asking_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_GUARD_H_
