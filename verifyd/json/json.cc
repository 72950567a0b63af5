#include "verifyd/json/json.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/strip.h"
#include "boost/json/src.hpp"
#include "classifier/reason.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// The longest reply of a delivery: as much as a log has.
constexpr size_t kLongestReply = 4096;
// Room for most answers; with more than 18 Boost.JSON makes an index of the names.
constexpr size_t kVerdictFields = 18;

absl::string_view StateName(VerdictState state) {
  switch (state) {
    case VerdictState::kKnown:
      return "known";
    case VerdictState::kInProgress:
      return "in_progress";
    case VerdictState::kNotCached:
      return "not_cached";
    case VerdictState::kNotVerifiable:
      return "not_verifiable";
  }
  return "not_cached";
}

absl::string_view FreshnessName(Freshness freshness) {
  switch (freshness) {
    case Freshness::kFresh:
      return "fresh";
    case Freshness::kRefresh:
      return "refresh";
    case Freshness::kStale:
      return "stale";
    case Freshness::kExpired:
      return "expired";
  }
  return "expired";
}

absl::string_view CatchAllName(CatchAll catch_all) {
  switch (catch_all) {
    case CatchAll::kNotAsked:
      return "not_asked";
    case CatchAll::kYes:
      return "yes";
    case CatchAll::kNo:
      return "no";
    case CatchAll::kCouldNotTell:
      return "could_not_tell";
    case CatchAll::kInconsistent:
      return "inconsistent";
  }
  return "not_asked";
}

absl::string_view KindName(TranscriptLine::Kind kind) {
  switch (kind) {
    case TranscriptLine::Kind::kNote:
      return "note";
    case TranscriptLine::Kind::kSent:
      return "sent";
    case TranscriptLine::Kind::kReceived:
      return "received";
  }
  return "note";
}

bool IsSet(absl::Time time) { return time != absl::InfinitePast() && time != absl::InfiniteFuture(); }

std::string TimeText(absl::Time time) { return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone()); }

// Adds a field that the object does not have yet; made in the object's own storage.
void Put(json::object& object, json::string_view name, absl::string_view text) {
  object.emplace(name, json::string_view(text.data(), text.size()));
}

void PutTime(json::object& object, json::string_view name, absl::Time time) {
  if (IsSet(time)) Put(object, name, TimeText(time));
}

void PutText(json::object& object, json::string_view name, absl::string_view text) {
  if (!text.empty()) Put(object, name, text);
}

void PutFinding(json::object& object, const Finding& finding) {
  if (finding.reason != Reason::kNone) {
    Put(object, "reason", ReasonName(finding.reason));
    Put(object, "scope", ScopeName(finding.scope));
    Put(object, "stage", StageName(finding.stage));
  }
  PutText(object, "rule", finding.rule);
  if (finding.code != 0) object.emplace("code", finding.code);
  PutText(object, "enhanced", finding.enhanced.ToString());
  PutText(object, "text", finding.text);
  PutText(object, "mx", finding.mx_name);
  PutText(object, "mx_address", finding.mx_address);
  PutTime(object, "updated", finding.when);
  if (finding.source != FindingSource::kProbe) Put(object, "learned_from", FindingSourceName(finding.source));
}

json::object PastToJson(const PastFinding& past) {
  json::object entry;
  PutTime(entry, "when", past.when);
  entry["status"] = JsonText(DeliverabilityName(ShownDeliverability(past.deliverability, past.reason)));
  entry["reason"] = JsonText(ReasonName(past.reason));
  entry["scope"] = JsonText(ScopeName(past.scope));
  entry["stage"] = JsonText(StageName(past.stage));
  if (past.code != 0) entry["code"] = past.code;
  return entry;
}

json::object WithStatus(const Finding& finding) {
  json::object object;
  Put(object, "status", DeliverabilityName(ShownDeliverability(finding.deliverability, finding.reason)));
  PutFinding(object, finding);
  return object;
}

// Of a destination or of a domain there: what stands in front of a hold, and what behind it.
json::object BeginPlace(absl::string_view name, const Trust& trust) {
  json::object object;
  object["destination"] = JsonText(name);
  object["believed"] = trust.doubt == Doubt::kNone;
  if (trust.doubt != Doubt::kNone) {
    PutText(object, "doubt", trust.why);
    PutTime(object, "doubted_since", trust.doubted_since);
  }
  return object;
}

void EndPlace(json::object& object, const BreakerState& breaker, const Trust& trust, absl::Time now) {
  if (breaker.open_until > now) {
    object["left_alone_for"] = JsonText(ReasonName(breaker.open_reason));
    PutTime(object, "left_alone_until", breaker.open_until);
  }
  object["failures"] = breaker.failures;
  if (breaker.last_failure != Reason::kNone) object["last_failure"] = JsonText(ReasonName(breaker.last_failure));
  PutTime(object, "last_failure_when", breaker.last_failure_when);
  PutTime(object, "last_success", breaker.last_success);
  PutTime(object, "last_accepted", trust.last_accepted);
}

}  // namespace

json::string JsonText(absl::string_view text) { return json::string(json::string_view(text.data(), text.size())); }

json::value ToJson(absl::Time time) {
  if (!IsSet(time)) return nullptr;
  return JsonText(TimeText(time));
}

json::object ToJson(const Finding& finding) {
  json::object object;
  PutFinding(object, finding);
  return object;
}

json::object ToJson(const Delivery& delivery) {
  json::object object;
  object["address"] = JsonText(delivery.address.Key());
  PutTime(object, "when", delivery.when);
  PutText(object, "relay", delivery.relay);
  PutText(object, "relay_address", delivery.relay_address);
  if (delivery.relay_port != 0) object["relay_port"] = delivery.relay_port;
  object["protocol"] = delivery.lmtp ? "lmtp" : "smtp";
  object["reply"] = JsonText(delivery.reply.ToLine(kLongestReply));
  return object;
}

json::array ToJson(const std::vector<TranscriptLine>& transcript) {
  json::array lines;
  for (const TranscriptLine& line : transcript) {
    json::object entry;
    entry["at_ms"] = absl::ToDoubleMilliseconds(absl::Trunc(line.at, absl::Microseconds(10)));
    entry["kind"] = JsonText(KindName(line.kind));
    entry["text"] = JsonText(line.text);
    lines.push_back(std::move(entry));
  }
  return lines;
}

json::object ToJson(absl::string_view address, const Verdict& verdict, json::storage_ptr storage) {
  json::object object(kVerdictFields, std::move(storage));
  Put(object, "address", address);
  Put(object, "status", DeliverabilityName(verdict.deliverability()));
  Put(object, "state", StateName(verdict.state));
  Put(object, "source", VerdictSourceName(verdict.source));
  PutFinding(object, verdict.finding);
  if (verdict.state == VerdictState::kKnown) {
    object.emplace("age_s", absl::ToInt64Seconds(verdict.age));
    object.emplace("refreshing", verdict.refreshing);
    if (verdict.grace) object.emplace("grace", true);
    PutTime(object, "deferred_since", verdict.deferred_since);
  }
  if (!verdict.transcript.empty()) object.emplace("transcript", ToJson(verdict.transcript));
  return object;
}

json::object ToJson(const Record& record, const Lifetimes& lifetimes, absl::Time now) {
  json::object object;
  object["freshness"] = JsonText(FreshnessName(FreshnessOf(record, lifetimes, now)));
  object["finding"] = WithStatus(record.finding);
  if (record.pending.has_value()) object["pending"] = WithStatus(*record.pending);
  PutTime(object, "first_seen", record.first_seen);
  PutTime(object, "last_positive", record.last_positive);
  PutTime(object, "first_temporary", record.first_temporary);
  if (record.temporary_count > 0) object["temporary_count"] = record.temporary_count;
  PutTime(object, "negative_since", record.negative_since);
  PutTime(object, "grace_until", GraceOf(record, lifetimes));
  if (record.on_agenda()) PutTime(object, "next_probe", record.next_probe);
  PutTime(object, "refresh_at", RefreshOf(record, lifetimes));
  PutTime(object, "expire_at", ExpiryOf(record, lifetimes));
  PutTime(object, "kept_until", KeptUntil(record, lifetimes));
  json::array history;
  for (const PastFinding& past : record.history) history.push_back(PastToJson(past));
  object["history"] = std::move(history);
  return object;
}

json::object ToJson(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now) {
  json::object object;
  object["domain"] = JsonText(fact.domain);
  object["freshness"] = JsonText(FreshnessName(FreshnessOf(fact, lifetimes, now)));
  if (fact.decides()) object["finding"] = WithStatus(fact.finding);
  // The answers about random addresses give the domain its reason; its addresses have findings of their own.
  if (fact.catch_all == CatchAll::kYes) object["reason"] = JsonText(ReasonName(Reason::kCatchAll));
  if (fact.catch_all == CatchAll::kInconsistent) object["reason"] = JsonText(ReasonName(Reason::kCatchAllInconsistent));
  PutTime(object, "expire_at", ExpiryOf(fact, lifetimes));
  object["catch_all"] = JsonText(CatchAllName(fact.catch_all));
  PutTime(object, "catch_all_when", fact.catch_all_when);
  PutText(object, "catch_all_at", fact.catch_all_at);
  PutTime(object, "alive", fact.alive);
  if (fact.pending.has_value()) object["pending"] = WithStatus(*fact.pending);
  return object;
}

json::object ToJson(const Pin& pin) {
  json::object object;
  object["status"] = JsonText(DeliverabilityName(pin.deliverability));
  PutTime(object, "set_at", pin.set_at);
  PutTime(object, "until", pin.until);
  PutText(object, "why", pin.why);
  if (pin.tell) object["tell"] = true;
  return object;
}

json::object ToJson(absl::string_view key, const Pin& pin) {
  json::object object;
  object["target"] = JsonText(key);
  for (auto& field : ToJson(pin)) object[field.key()] = std::move(field.value());
  return object;
}

json::object ToJson(absl::string_view target, const Hold& hold) {
  json::object object;
  object["target"] = JsonText(target);
  object["status"] = "hold";
  PutTime(object, "set_at", hold.set_at);
  PutTime(object, "until", hold.until);
  PutText(object, "why", hold.why);
  if (hold.tell) object["tell"] = true;
  return object;
}

json::object ToJson(const DestinationState& state, absl::Time now) {
  json::object object = BeginPlace(state.name, state.trust);
  if (state.held_until > now) {
    object["held"] = true;
    PutTime(object, "held_until", state.held_until);
    PutText(object, "held_why", state.held_why);
  }
  EndPlace(object, state.breaker, state.trust, now);
  return object;
}

json::object ToJson(const DomainBreaker& breaker, absl::Time now) {
  json::object object = BeginPlace(breaker.Name(), breaker.trust);
  EndPlace(object, breaker.breaker, breaker.trust, now);
  return object;
}

json::object ToJson(const DestinationActivity& activity) {
  json::object object;
  object["queued"] = activity.queued;
  object["connections"] = activity.connections;
  object["connection_limit"] = activity.connection_limit;
  if (activity.questions_per_second > 0) object["addresses_per_second"] = activity.questions_per_second;
  object["recipients"] = activity.recipients;
  object["latency_ms"] = absl::ToDoubleMilliseconds(activity.latency);
  if (activity.asked > 0) {
    object["asked_this_hour"] = activity.asked;
    object["unknown_this_hour"] = activity.unknown;
  }
  if (!activity.resting.empty()) {
    json::array& resting = object["resting_sources"].emplace_array();
    for (const RestingSource& source : activity.resting) resting.emplace_back(JsonText(source.source_address));
  }
  return object;
}

}  // namespace verifyd
