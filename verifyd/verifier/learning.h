// Learning without probes: what deliveries that Postfix has made say of addresses. A probe of the address must have
// asked the same server: a relay that is no server of its route (a content filter, a smart host, the server of before a
// move) says nothing of what that would answer. Its words are judged as what a server says to us, and only what is
// definite and about the address is kept, as an import is (record_import.h).
//
// Nobody is asked but name servers and tables, for the route.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_LEARNING_H_
#define VERIFYD_VERIFYD_VERIFIER_LEARNING_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "classifier/classifier.h"
#include "mail/delivery.h"
#include "probe/prober.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

// What became of how many deliveries.
struct LearnedCounts {
  int64_t learned = 0;
  int64_t older = 0;          // what is held is newer, or the same
  int64_t expired = 0;        // the cleaner would remove it
  int64_t future = 0;         // a clock is wrong
  int64_t elsewhere = 0;      // the relay is no server of the address's route, or that can not be found now
  int64_t not_verified = 0;   // nobody may ask about the domain (verify_domains)
  int64_t uninformative = 0;  // what was said is not about the address, or not to be believed now
};

// Routes of a whole list are found within this time; what is not found by then is elsewhere.
inline constexpr absl::Duration kLearningRouteTime = absl::Seconds(20);

// In the order of their times; loop and verifier outlive it. With `dry_run` nothing is kept.
boost::asio::awaitable<LearnedCounts> LearnDeliveries(Loop& loop, Verifier& verifier, Prober& prober,
                                                      std::shared_ptr<const Classifier> classifier,
                                                      std::vector<Delivery> deliveries, bool dry_run);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_LEARNING_H_
