#include "probe/fair_line.h"

#include <utility>
#include <variant>

#include "base/one_shot.h"

namespace verifyd {

struct FairLine::Waiter {
  explicit Waiter(Loop& loop) : called(loop) {}
  OneShot<std::monostate> called;
  std::list<std::shared_ptr<Waiter>>::iterator place;
};

boost::asio::awaitable<bool> FairLine::Wait(std::string owner, MonoTime deadline) {
  const auto waiter = std::make_shared<Waiter>(loop_);
  auto [found, first] = by_name_.try_emplace(owner);
  if (first) found->second = turns_.insert(turns_.end(), Owner{.name = owner, .waiters = {}});
  auto& waiters = found->second->waiters;
  waiter->place = waiters.insert(waiters.end(), waiter);
  ++waiting_;
  if (co_await waiter->called.Wait(deadline)) co_return true;
  Leave(owner, waiter);
  co_return false;
}

bool FairLine::CallNext() {
  if (turns_.empty()) return false;
  Call(turns_.begin());
  return true;
}

bool FairLine::CallOf(const std::string& owner) {
  const auto found = by_name_.find(owner);
  if (found == by_name_.end()) return false;
  Call(found->second);
  return true;
}

void FairLine::Call(Turns::iterator owner) {
  const std::shared_ptr<Waiter> waiter = owner->waiters.front();
  turns_.splice(turns_.end(), turns_, owner);
  Leave(owner->name, waiter);
  waiter->called.Set({});
}

void FairLine::Leave(const std::string& owner, const std::shared_ptr<Waiter>& waiter) {
  const auto found = by_name_.find(owner);
  const Turns::iterator place = found->second;
  place->waiters.erase(waiter->place);
  --waiting_;
  if (!place->waiters.empty()) return;
  by_name_.erase(found);
  turns_.erase(place);
}

}  // namespace verifyd
