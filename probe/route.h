// A route: where an address is probed.
//
// Thread: any (a value, posted between loops).
#ifndef VERIFYD_PROBE_ROUTE_H_
#define VERIFYD_PROBE_ROUTE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "mail/destination_state.h"
#include "stream/dialer.h"

namespace verifyd {

struct ProbeSettings;

struct Route {
  // The unit of politeness: the exchanges of an MX group joined by commas, or the next hop as the operator wrote it:
  // "[mx.example.com]:25", "lmtp:unix:/path". A next hop that could be the name of an exchange has "smtp:" in front: a
  // stranger must not get a destination of the operator's by giving his exchange its name. At most kMaxDestination
  // bytes.
  std::string destination;
  // True if the operator said where; otherwise DNS did.
  bool configured = false;
  // Settings of the transport; null: the general ones. With settings the destination has "/TRANSPORT" behind its name,
  // so that it shares no session with another transport.
  std::shared_ptr<const ProbeSettings> settings;
  std::string transport;  // its name, if it stands behind the destination's
  static constexpr absl::string_view kTransportMark = "/";
  // In the order in which they are tried; at least one.
  std::vector<Endpoint> endpoints;

  static constexpr size_t kMaxDestination = 255;
  static constexpr absl::string_view kSmtpMark = DestinationState::kSmtpMark;
  // An exchange has neither character in its name (dns/mail_hosts.h), a configured destination has one. The address of
  // an IPv6 literal has one, too, but is no next hop without brackets.
  static bool IsConfiguredName(absl::string_view destination) {
    return destination.find_first_of("[:") != absl::string_view::npos;
  }
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ROUTE_H_
