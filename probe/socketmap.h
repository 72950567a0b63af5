// The client of socketmap tables (Sendmail's protocol, as Postfix speaks it, socketmap_table(5)): a netstring "MAP KEY"
// goes out, and a netstring "OK value", "NOTFOUND ", "TEMP why", "TIMEOUT why" or "PERM why" comes back.
//
// Thread: the front loop only.
#ifndef VERIFYD_PROBE_SOCKETMAP_H_
#define VERIFYD_PROBE_SOCKETMAP_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "stream/dialer.h"
#include "tables/table.h"

namespace verifyd {

class SocketmapClient {
 public:
  static constexpr absl::Duration kTimeLimit = absl::Seconds(10);

  // Both must outlive the client.
  SocketmapClient(Loop& loop, Dialer& dialer) : loop_(loop), dialer_(dialer) {}

  // Returns the value; nothing if the server says that there is none. Any trouble is an error that names the server: it
  // never means that there is no value.
  boost::asio::awaitable<absl::StatusOr<std::optional<std::string>>> LookUp(SocketmapPlace place, std::string key,
                                                                            MonoTime deadline);

 private:
  boost::asio::awaitable<absl::StatusOr<std::string>> Exchange(Stream& stream, std::string request, MonoTime deadline);

  Loop& loop_;
  Dialer& dialer_;
  // Connections without work, by server.
  absl::flat_hash_map<std::string, std::vector<std::unique_ptr<Stream>>> idle_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_SOCKETMAP_H_
