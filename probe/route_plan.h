// The plan of a route: where an address is asked, as far as it is known before DNS is asked. That is what Postfix makes
// of a recipient: rewriting by recipient_canonical_maps, canonical_maps and virtual_alias_maps, extensions (user+news)
// included; the transport of the domain's address class; in its place what address_verify_transport_maps says;
// address_verify_relayhost where that leaves the next hop open.
//
// A plan is made without waiting. What only a server can tell (socketmap, proxymap, trivial-rewrite) is asked of
// `answers`; where it has no answer yet the plan ends with its error, and is made anew when there is one.
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

// What is known before DNS is asked.
struct RoutePlan {
  Address address;             // what is asked about, after rewriting
  bool several = false;        // it stands for several addresses
  std::string not_an_address;  // it stands for a file, a command ...

  NextHop hop;
  bool configured = false;  // the operator said where
  Protocol protocol = Protocol::kSmtp;
  std::string path;                              // of an LMTP server
  std::string stock_verify;                      // of Postfix's verify(8)
  std::string not_verifiable;                    // the transport that can not be asked
  std::optional<Transport> refusal;              // the transport error: or retry:
  absl::string_view setting;                     // that said so; empty: none did, and the domain's MX is meant
  std::string transport;                         // that wants something otherwise than the others, and ...
  std::shared_ptr<const ProbeSettings> special;  // ... what; null: nothing

  // The name whose mail hosts are looked for.
  const std::string& name() const { return configured ? hop.host : address.domain(); }
  // Equal for plans that lead to the same place.
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

// The plan for a probe of `address` from `sender`. Errors begin with the name of the setting, and end in what `answers`
// said or in what is wrong with a value.
absl::StatusOr<RoutePlan> PlanRoute(const Address& address, absl::string_view sender, const ProbeSettings& settings,
                                    RemoteAnswers answers);

// What the settings make of the address where no server is asked: two of these differ where the route has changed.
// Servers that would be asked are part of it, not what they would say.
std::string RouteSketch(const Address& address, absl::string_view sender, const ProbeSettings& settings);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ROUTE_PLAN_H_
