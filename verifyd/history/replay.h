// A replay: requests of mail that was answered long ago go through the restrictions once more. Nobody is answered; the
// decisions are tallied. Memory does not grow with the number of requests, and the daemon's own record does not count
// them.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_HISTORY_REPLAY_H_
#define VERIFYD_VERIFYD_HISTORY_REPLAY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "base/line_source.h"
#include "base/loop.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "verifyd/history/tally.h"
#include "verifyd/restriction/mail_request.h"
#include "verifyd/restriction/restrictions.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

class Replay : public std::enable_shared_from_this<Replay> {
 public:
  // Requests that wait for a probe at one time.
  static constexpr size_t kAtOnce = 100;
  // Requests in one turn of the loop; the doors have their turn in between.
  static constexpr size_t kInATurn = 16;

  // The replay works on these; they outlive what Report returns.
  struct Rooms {
    Loop& loop;
    Restrictions& restrictions;
    Verifier& verifier;
    Cache& cache;
  };

  // `requests` has a line for each: sender, recipient, client address and SASL login, with tabs between, the last two
  // optional; "<>" is the null sender. The result is one line of JSON after the last of them. With `probe`, what memory
  // does not know is asked, as for a list, within `patience`; else it is counted as not known.
  static LineSource Report(const Rooms& rooms, bool probe, absl::Duration patience, LineSource requests);

 private:
  Replay(const Rooms& rooms, bool probe, absl::Duration patience)
      : rooms_(rooms), probe_(probe), patience_(patience), room_(rooms.loop) {}

  static boost::asio::awaitable<std::string> Run(std::shared_ptr<Replay> replay, LineSource requests);
  static boost::asio::awaitable<void> Ask(std::shared_ptr<Replay> replay, std::string line);
  // Decides from memory and counts. Returns a question instead where memory does not know an address and `may_ask`.
  std::optional<Question> Decide(absl::string_view line, bool may_ask);

  const Rooms rooms_;
  const bool probe_;
  const absl::Duration patience_;
  Tally tally_;
  uint64_t requests_ = 0;
  uint64_t malformed_ = 0;
  size_t asking_ = 0;
  Signal room_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_REPLAY_H_
