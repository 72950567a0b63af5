// The client of verifyd's line door: asks about recipients, many at a time. Each question has a connection of its own,
// which later questions reuse.
//
// Thread: the loop's thread only.
#ifndef VERIFYD_OPENSMTPD_LINE_CLIENT_H_
#define VERIFYD_OPENSMTPD_LINE_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"

namespace verifyd {

// The address of the door: "inet:ADDRESS:PORT", IPv6 in brackets, or "unix:PATH".
struct LinePlace {
  std::string address;
  uint16_t port = 0;
  std::string path;  // set for UNIX only

  // Errors say what was found and what was expected.
  static absl::StatusOr<LinePlace> Parse(absl::string_view text);
};

class LineClient {
 public:
  // More than the patience of any question.
  static constexpr absl::Duration kTimeLimit = absl::Seconds(15);

  // `loop` outlives it.
  LineClient(Loop& loop, LinePlace place);
  ~LineClient();
  LineClient(const LineClient&) = delete;
  LineClient& operator=(const LineClient&) = delete;

  // Returns the answer without its line end. Errors are the system's text, or that there was no answer within
  // kTimeLimit.
  boost::asio::awaitable<absl::StatusOr<std::string>> Ask(std::string recipient);

 private:
  struct Connection;
  boost::asio::awaitable<absl::StatusOr<std::string>> Exchange(Connection& connection, const std::string& request);
  boost::asio::awaitable<absl::StatusOr<std::string>> Try(const std::string& request, MonoTime deadline);

  Loop& loop_;
  const LinePlace place_;
  // Connections without work.
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace verifyd

#endif  // VERIFYD_OPENSMTPD_LINE_CLIENT_H_
