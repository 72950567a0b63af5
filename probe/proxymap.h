// The client of Postfix's proxymap(8): look-ups in tables of types that only Postfix can read (mysql, ldap, pcre,
// regexp, ...), in its own words (dict_proxy.c). It answers for tables that main.cf names with "proxy:" in a parameter
// that proxy_read_maps lists. Its answers are not kept.
//
// Thread: the front loop only.
#ifndef VERIFYD_PROBE_PROXYMAP_H_
#define VERIFYD_PROBE_PROXYMAP_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "base/signal.h"
#include "boost/asio/awaitable.hpp"
#include "probe/postfix_service.h"
#include "stream/dialer.h"

namespace verifyd {

class ProxymapClient {
 public:
  static constexpr absl::Duration kTimeLimit = absl::Seconds(10);
  // Each carries one question at a time: proxymap(8) has few processes, and each waits for its database.
  static constexpr size_t kConnections = 4;
  // Questions that wait for a connection.
  static constexpr size_t kMaxWaiting = 1000;

  // Both must outlive the client.
  ProxymapClient(Loop& loop, Dialer& dialer) : loop_(loop), dialer_(dialer) {}

  // Asks the service at `path` for the value of `key` in `table` ("mysql:/etc/postfix/aliases.cf"). Returns nothing if
  // there is none. Any trouble is an error that names the service and what to do: it never means that there is no
  // value. The client connects again to a service that was restarted.
  boost::asio::awaitable<absl::StatusOr<std::optional<std::string>>> LookUp(std::string path, std::string table,
                                                                            std::string key, MonoTime deadline);

 private:
  boost::asio::awaitable<bool> AwaitTurn(MonoTime deadline);
  void EndTurn();
  boost::asio::awaitable<absl::StatusOr<Attributes>> Ask(const std::string& path, const Attributes& request,
                                                         MonoTime deadline);

  Loop& loop_;
  Dialer& dialer_;
  std::string path_;                                      // of the service that idle_ are connected to
  std::vector<std::unique_ptr<PostfixConnection>> idle_;  // kept open
  size_t busy_ = 0;
  Signal free_{loop_};
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_PROXYMAP_H_
