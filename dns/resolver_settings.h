// The operator's settings of the resolver.
//
// Thread: any (a value).
#ifndef VERIFYD_DNS_RESOLVER_SETTINGS_H_
#define VERIFYD_DNS_RESOLVER_SETTINGS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace verifyd {

struct ResolverSettings {
  // ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; empty: /etc/resolv.conf.
  std::vector<std::string> servers;
  absl::Duration timeout = absl::Seconds(2);  // one try at one server
  int tries = 3;
  size_t max_in_flight = 500;  // more questions wait; see max_waiting. At most 10000
  size_t max_waiting = 20000;  // questions that wait for their turn; beyond that the answer is kOverload
  size_t cache_entries = 20000;
  // TTLs are clamped to these.
  absl::Duration max_ttl = absl::Hours(24);
  absl::Duration max_negative_ttl = absl::Hours(3);
};

}  // namespace verifyd

#endif  // VERIFYD_DNS_RESOLVER_SETTINGS_H_
