#include "verifyd/json/json.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/strip.h"
#include "boost/json/src.hpp"
#include "classifier/reason.h"
#include "verifyd/json/shown_delivery.h"
#include "verifyd/json/shown_destination.h"
#include "verifyd/json/shown_record.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Of a delivery: as much as a log has.
constexpr size_t kLongestReply = 4096;
}  // namespace

json::string JsonText(absl::string_view text) { return json::string(json::string_view(text.data(), text.size())); }

json::value ToJson(absl::Time time) {
  const std::string text = ShownTime(time);
  if (text.empty()) return nullptr;
  return JsonText(text);
}

json::object ToJson(const Finding& finding) { return AsJson(Shown(finding)); }

json::object ToJson(const Delivery& delivery) {
  return AsJson(ShownDelivery{.address = delivery.address.Key(),
                              .when = delivery.when,
                              .relay = delivery.relay,
                              .relay_address = delivery.relay_address,
                              .relay_port = delivery.relay_port,
                              .protocol = delivery.lmtp ? "lmtp" : "smtp",
                              .reply = delivery.reply.ToLine(kLongestReply)});
}

json::object ToJson(absl::string_view address, const Verdict& verdict, json::storage_ptr storage) {
  return AsJson(Shown(address, verdict), std::move(storage));
}

json::object ToJson(const Record& record, const Lifetimes& lifetimes, absl::Time now) {
  return AsJson(Shown(record, lifetimes, now));
}

json::object ToJson(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now) {
  return AsJson(Shown(fact, lifetimes, now));
}

json::object ToJson(const Pin& pin) { return AsJson(Shown(pin)); }

json::object ToJson(absl::string_view key, const Pin& pin) { return AsJson(Shown(key, pin)); }

json::object ToJson(const DestinationState& state, absl::Time now) { return AsJson(Shown(state, now)); }

json::object ToJson(const DestinationActivity& activity) { return AsJson(Shown(activity)); }

}  // namespace verifyd
