// Runs several tasks at once and waits for all of them. When the loop ends first, it drops them all.
//
// Thread: the loop's thread only.
#ifndef VERIFYD_BASE_GATHER_H_
#define VERIFYD_BASE_GATHER_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/loop.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"

namespace verifyd {

template <typename T>
struct GatheredResults {
  explicit GatheredResults(Loop& loop) : ended(loop) {}
  std::vector<T> results;
  size_t open = 0;
  Signal ended;
};

template <typename T>
boost::asio::awaitable<void> KeepGathered(boost::asio::awaitable<T> task, std::shared_ptr<GatheredResults<T>> gathered,
                                          size_t place) {
  // Runs also when an exception leaves the task; its result is then empty.
  struct Ended {
    GatheredResults<T>& gathered;
    ~Ended() {
      --gathered.open;
      gathered.ended.NotifyAll();
    }
  } ended{*gathered};
  gathered->results[place] = co_await std::move(task);
}

// Returns the results in the order of the tasks. The result of a task that ended by an exception is empty.
template <typename T>
boost::asio::awaitable<std::vector<T>> Gather(Loop& loop, std::vector<boost::asio::awaitable<T>> tasks) {
  const auto gathered = std::make_shared<GatheredResults<T>>(loop);
  gathered->results.resize(tasks.size());
  gathered->open = tasks.size();
  for (size_t i = 0; i < tasks.size(); ++i) loop.Spawn(KeepGathered<T>(std::move(tasks[i]), gathered, i));
  while (gathered->open > 0) co_await gathered->ended.Wait();
  co_return std::move(gathered->results);
}

}  // namespace verifyd

#endif  // VERIFYD_BASE_GATHER_H_
