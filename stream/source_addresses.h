// Our own addresses that a session may bind to, one of each IP version; empty: the system chooses.
//
// Thread: any (a value).
#ifndef VERIFYD_STREAM_SOURCE_ADDRESSES_H_
#define VERIFYD_STREAM_SOURCE_ADDRESSES_H_

#include <string>

#include "absl/strings/match.h"
#include "stream/dialer.h"

namespace verifyd {

struct SourceAddresses {
  std::string ipv4;
  std::string ipv6;

  const std::string& For(const Endpoint& endpoint) const {
    return absl::StrContains(endpoint.address, ':') ? ipv6 : ipv4;
  }
};

}  // namespace verifyd

#endif  // VERIFYD_STREAM_SOURCE_ADDRESSES_H_
