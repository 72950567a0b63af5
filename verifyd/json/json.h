// Verdicts, findings and records as JSON, as the control socket shows them. Both verifyd and verifyctl build on it. A
// field that has nothing to say (no code, no MX, no time) is absent.
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

// reason, scope, stage, rule, code, enhanced, text, mx, mx_address, updated; learned_from where it was no probe.
boost::json::object ToJson(const Finding& finding);
// The answer to one question: address, status, state, source, the finding's fields, age_s, refreshing, transcript.
// `address` is shown as it was asked for. The object lives in `storage`, which must outlive it.
boost::json::object ToJson(absl::string_view address, const Verdict& verdict, boost::json::storage_ptr storage = {});

// address, when, relay, relay_address, relay_port, protocol, reply.
boost::json::object ToJson(const Delivery& delivery);

// at_ms, kind (note, sent, received), text.
boost::json::array ToJson(const std::vector<TranscriptLine>& transcript);

// Everything held, and when it changes.
boost::json::object ToJson(const Record& record, const Lifetimes& lifetimes, absl::Time now);
boost::json::object ToJson(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now);
// `key` is in the form of Cache::ListPins.
boost::json::object ToJson(absl::string_view key, const Pin& pin);
// `target` is "@example.com", or the name of a destination that is on hold.
boost::json::object ToJson(absl::string_view target, const Hold& hold);
boost::json::object ToJson(const Pin& pin);
// A destination, or one domain at it ("destination": "MX DOMAIN"): all that is remembered, and the part of it that
// counts now.
boost::json::object ToJson(const DestinationState& state, absl::Time now);
boost::json::object ToJson(const DomainBreaker& breaker, absl::Time now);
boost::json::object ToJson(const DestinationActivity& activity);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_JSON_H_
