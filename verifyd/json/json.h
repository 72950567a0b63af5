// What the control socket shows, as JSON: verdicts, findings, records. Both verifyd and verifyctl build on it. A field
// that has nothing to say (no code, no MX, no time) is absent.
//
// Thread: any (pure functions). Include boost/json.hpp where the values are used; its code is compiled once, in
// json.cc.
#ifndef VERIFYD_VERIFYD_JSON_JSON_H_
#define VERIFYD_VERIFYD_JSON_JSON_H_

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/json/fwd.hpp"
#include "boost/json/storage_ptr.hpp"
#include "cache/lifetime.h"
#include "cache/record.h"
#include "mail/delivery.h"
#include "mail/destination_activity.h"
#include "mail/destination_state.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"
#include "mail/verdict.h"

namespace verifyd {

boost::json::string JsonText(absl::string_view text);
// RFC 3339, UTC, whole seconds; null for a time that is not set.
boost::json::value ToJson(absl::Time time);

boost::json::object ToJson(const Finding& finding);
// `address` is shown as it was asked for. The object lives in `storage`, which must outlive it.
boost::json::object ToJson(absl::string_view address, const Verdict& verdict, boost::json::storage_ptr storage = {});

// address, when, relay, relay_address, relay_port, protocol, reply.
boost::json::object ToJson(const Delivery& delivery);

// Everything held, with what becomes of it when.
boost::json::object ToJson(const Record& record, const Lifetimes& lifetimes, absl::Time now);
boost::json::object ToJson(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now);
// `key`: as Cache::ListPins has it; "hold @example.com" is shown as a hold of "@example.com".
boost::json::object ToJson(absl::string_view key, const Pin& pin);
boost::json::object ToJson(const Pin& pin);
// A destination, or one domain at it: what is remembered, and what of it counts now.
boost::json::object ToJson(const DestinationState& state, absl::Time now);
boost::json::object ToJson(const DestinationActivity& activity);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_JSON_H_
