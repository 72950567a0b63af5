// Learning without probes: takes findings about addresses from the deliveries of Postfix. The relay of a delivery
// counts only if a probe of the address would ask it: one that is no server of the address's route (a content filter, a
// smart host, the server of before a move) does not tell the answer of one that is. Its words are judged like those
// that a server says to us. Only a definite finding about the address is kept, as an import is (record_import.h).
//
// Only name servers and tables are asked, for the route.
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

// How many deliveries came to which end.
struct LearnedCounts {
  int64_t learned = 0;
  int64_t older = 0;          // what is held is newer, or the same
  int64_t expired = 0;        // the cleaner would remove it
  int64_t future = 0;         // a clock is wrong
  int64_t elsewhere = 0;      // the relay is no server of the address's route, or the route can not be found now
  int64_t not_verified = 0;   // nobody may ask about the domain (verify_domains)
  int64_t uninformative = 0;  // the reply is not about the address, or not to be believed now
};

// The time for all routes of a list; a delivery whose route is not found by then counts as elsewhere.
inline constexpr absl::Duration kLearningRouteTime = absl::Seconds(20);

// In the order of their times; loop and verifier outlive it. With `dry_run` nothing is kept.
boost::asio::awaitable<LearnedCounts> LearnDeliveries(Loop& loop, Verifier& verifier, Prober& prober,
                                                      std::shared_ptr<const Classifier> classifier,
                                                      std::vector<Delivery> deliveries, bool dry_run);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_LEARNING_H_
