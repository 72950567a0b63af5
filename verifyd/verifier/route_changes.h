// The changes of routes of this run: what is held was found by routes that were others, until a walk beside everything
// else has been through with all of it. Meanwhile each address that is asked about is looked at first.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_VERIFIER_ROUTE_CHANGES_H_
#define VERIFYD_VERIFYD_VERIFIER_ROUTE_CHANGES_H_

#include <cstdint>
#include <memory>

#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "mail/address.h"

namespace verifyd {

class RouteChange;

class RouteChanges {
 public:
  // Both outlive this, or the loop does not run any more.
  RouteChanges(Loop& loop, Cache& cache) : loop_(loop), cache_(cache) {}

  // Null: nothing has changed.
  void Begin(std::shared_ptr<const RouteChange> change);
  // Before what is held of the address is read.
  void Heed(const Address& address) const;
  // How often they have changed: what began with another number went by other routes.
  uint64_t count() const { return count_; }

 private:
  boost::asio::awaitable<void> Spread(std::shared_ptr<const RouteChange> change);

  Loop& loop_;
  Cache& cache_;
  uint64_t count_ = 0;
  std::shared_ptr<const RouteChange> change_;  // that is not through; null: none
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_VERIFIER_ROUTE_CHANGES_H_
