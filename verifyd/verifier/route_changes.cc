#include "verifyd/verifier/route_changes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "verifyd/verifier/route_change.h"

namespace verifyd {

void RouteChanges::Begin(std::shared_ptr<const RouteChange> change) {
  if (change == nullptr) return;
  ++count_;
  change_ = change_ == nullptr ? std::move(change) : RouteChange::Joined(*change_, *change);
  loop_.Spawn(Spread(change_));
}

void RouteChanges::Heed(const Address& address) const {
  if (change_ != nullptr) change_->Heed(cache_, address);
}

boost::asio::awaitable<void> RouteChanges::Spread(std::shared_ptr<const RouteChange> change) {
  const RouteChange::Counts counts =
      co_await RouteChange::HeedAll(loop_, cache_, change, [this, &change] { return change_ != change; });
  if (change_ == change) change_ = nullptr;
  if (counts.dropped + counts.due == 0) co_return;
  LogInfo(absl::StrCat("routes have changed: ", counts.dropped, " findings dropped, ", counts.due,
                       " accepted addresses due for a refresh"));
}

}  // namespace verifyd
