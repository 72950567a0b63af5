// A waiting line in which owners take turns: who has a thousand in it keeps another's one waiting for one turn, not for
// a thousand. Of one owner's, first come, first served. All operations take constant time.
//
// Thread: the loop's thread only.
#ifndef VERIFYD_PROBE_FAIR_LINE_H_
#define VERIFYD_PROBE_FAIR_LINE_H_

#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"

namespace verifyd {

class FairLine {
 public:
  explicit FairLine(Loop& loop) : loop_(loop) {}
  FairLine(const FairLine&) = delete;
  FairLine& operator=(const FairLine&) = delete;

  // True when called; false when `deadline` came first, and nobody will call any more. The waiter resumes on a later
  // turn of the loop: what it was called for must be kept for it. The line must live until it returns.
  boost::asio::awaitable<bool> Wait(std::string owner, MonoTime deadline = MonoTime::InfiniteFuture());

  // Calls the one whose turn it is. False if nobody waits.
  bool CallNext();
  // Calls the owner's first, out of turn. False if he does not wait.
  bool CallOf(const std::string& owner);

  size_t waiting() const { return waiting_; }

 private:
  struct Waiter;
  struct Owner {
    std::string name;
    std::list<std::shared_ptr<Waiter>> waiters;
  };
  using Turns = std::list<Owner>;

  void Call(Turns::iterator owner);
  void Leave(const std::string& owner, const std::shared_ptr<Waiter>& waiter);

  Loop& loop_;
  Turns turns_;  // the front is called next, and goes to the back
  absl::flat_hash_map<std::string, Turns::iterator> by_name_;
  size_t waiting_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_FAIR_LINE_H_
