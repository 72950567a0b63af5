// The plan of a route: where an address is asked, as far as that is known before DNS is asked. It does with a recipient
// what Postfix does. It rewrites it by recipient_canonical_maps, canonical_maps and virtual_alias_maps, extensions
// (user+news) included. It takes the transport that address_verify_transport_maps gives, else that of the domain's
// address class. It takes address_verify_relayhost where the next hop is still open.
//
// A plan is made without waiting. `answers` gives what only a server can tell (socketmap, proxymap, trivial-rewrite).
// Where it has no answer yet, the plan ends with its error, and is made anew when there is one.
//
// Thread: any (pure functions).
#ifndef VERIFYD_PROBE_ROUTE_PLAN_H_
#define VERIFYD_PROBE_ROUTE_PLAN_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "mail/address.h"
#include "probe/probe_settings.h"
#include "stream/dialer.h"
#include "tables/table.h"
#include "tables/transport_table.h"

namespace verifyd {

struct RoutePlan {
  Address address;             // the one to ask about, after rewriting
  bool several = false;        // it stands for several addresses
  std::string not_an_address;  // it stands for a file, a command ...

  NextHop hop;
  bool configured = false;  // the operator said where
  Protocol protocol = Protocol::kSmtp;
  std::string path;                              // of an LMTP server
  std::string stock_verify;                      // of Postfix's verify(8)
  std::string not_verifiable;                    // the transport that can not be asked
  std::optional<Transport> refusal;              // the transport error: or retry:
  absl::string_view setting;                     // that decided this; empty: none did, and the domain's MX is meant
  std::string transport;                         // that has settings of its own; empty: none
  std::shared_ptr<const ProbeSettings> special;  // its settings, or those of LMTP; null: none

  // Returns the name whose mail hosts are looked for.
  const std::string& name() const { return configured ? hop.host : address.domain(); }
  // Returns the same text for plans that lead to the same place.
  std::string ToString() const;
};

// A look-up that is not done in memory.
struct RemoteLookUp {
  absl::string_view setting;     // its name; lives for ever
  const Table* table = nullptr;  // lives as long as the settings; null: the route service
  std::string key;
  friend bool operator==(const RemoteLookUp&, const RemoteLookUp&) = default;
};

// The value; nothing where there is none; an error where that is not known. The route service answers
// TRANSPORT:NEXTHOP.
using RemoteValue = absl::StatusOr<std::optional<std::string>>;
using RemoteAnswers = absl::FunctionRef<RemoteValue(const RemoteLookUp&)>;

// Returns the plan for a probe of `address` from `sender`. Errors begin with the name of the setting; then comes the
// error of `answers`, or what is wrong with a value.
absl::StatusOr<RoutePlan> PlanRoute(const Address& address, absl::string_view sender, const ProbeSettings& settings,
                                    RemoteAnswers answers);

// Returns a text of the route that the settings give without asking a server: two texts differ where the route has
// changed. The text names the servers that would be asked, but not their answers.
std::string RouteSketch(const Address& address, absl::string_view sender, const ProbeSettings& settings);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ROUTE_PLAN_H_
