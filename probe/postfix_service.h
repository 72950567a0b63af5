// Postfix's internal services on UNIX sockets (attr_print0.c, attr_scan0.c): they exchange lists of attributes, "name
// NUL value NUL" each, with a lone NUL at the end. The server speaks first and names its protocol (Postfix 3.6 and
// later).
//
// Thread: the loop's thread only.
#ifndef VERIFYD_PROBE_POSTFIX_SERVICE_H_
#define VERIFYD_PROBE_POSTFIX_SERVICE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/loop.h"
#include "base/timer.h"
#include "boost/asio/awaitable.hpp"
#include "stream/dialer.h"
#include "stream/stream.h"

namespace verifyd {

// In the order in which they are sent; a name may occur twice.
using Attributes = std::vector<std::pair<std::string, std::string>>;

std::string EncodeAttributes(const Attributes& attributes);
// Returns the list at the start of `bytes`, and its size in bytes; nothing while it is not complete. Error: it is
// longer than 64 KiB.
absl::StatusOr<std::optional<std::pair<Attributes, size_t>>> ParseAttributes(absl::string_view bytes);
// Returns the last value of that name; nothing if there is none.
std::optional<std::string> ValueOf(const Attributes& attributes, absl::string_view name);

// A connection to a service of Postfix that greets first (3.6 and later). One question at a time.
class PostfixConnection {
 public:
  // Connects and reads the greeting. Errors name the path. The connection closes at `deadline` in any case.
  static boost::asio::awaitable<absl::StatusOr<std::unique_ptr<PostfixConnection>>> Open(Loop& loop, Dialer& dialer,
                                                                                         std::string path,
                                                                                         MonoTime deadline);
  boost::asio::awaitable<absl::StatusOr<Attributes>> Ask(Attributes request);
  // The same, for a connection that is kept: it closes at this `deadline` instead; if the answer has come by then, it
  // stays open without end.
  boost::asio::awaitable<absl::StatusOr<Attributes>> Ask(Attributes request, MonoTime deadline);

 private:
  PostfixConnection(Loop& loop, std::string path, std::unique_ptr<Stream> stream)
      : path_(std::move(path)), stream_(std::move(stream)), end_(loop.timers()) {}
  boost::asio::awaitable<absl::StatusOr<Attributes>> TakeList();

  const std::string path_;
  const std::unique_ptr<Stream> stream_;
  Timer end_;
  std::string bytes_;  // read, and not taken yet
};

// Connects to the service at `path`, asks it once, and returns its answer. Errors name the path.
boost::asio::awaitable<absl::StatusOr<Attributes>> AskPostfixService(Loop& loop, Dialer& dialer, std::string path,
                                                                     Attributes request, MonoTime deadline);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_POSTFIX_SERVICE_H_
