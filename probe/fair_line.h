// A waiting line in which owners take turns: an owner with a thousand waiters delays another owner's one by one turn,
// not by a thousand. One owner's waiters are served in the order in which they came. All operations take constant time.
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

  // Returns true when called, false when `deadline` came first; then it is not called any more. The waiter resumes on a
  // later turn of the loop: keep for it what it was called for. The line must live until it returns.
  boost::asio::awaitable<bool> Wait(std::string owner, MonoTime deadline = MonoTime::InfiniteFuture());

  // Calls the waiter whose turn it is. Returns false if nobody waits.
  bool CallNext();
  // Calls the owner's first waiter, out of turn. Returns false if there is none.
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
