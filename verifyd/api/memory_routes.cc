#include "verifyd/api/memory_routes.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json.hpp"
#include "cache/cache.h"
#include "cache/spelling.h"
#include "mail/address.h"
#include "mail/question.h"
#include "verifyd/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Of lines that go out together.
constexpr size_t kBlock = size_t{16} * 1024;

// Hashed, another spelling can not be told from another address.
absl::string_view OtherSpellings(const Cache::Spellings& spellings) {
  return spellings.complete ? "" : "; other spellings of it are not looked for where addresses are kept hashed";
}

bool SaysSomething(const json::object& held) {
  return held.contains("pin") || held.contains("record") || held.contains("domain");
}

json::object HeldOf(ApiContext& context, const Address& address) {
  const std::string key = address.Key();
  const absl::Time now = context.loop.clock().Now();
  const Lifetimes lifetimes = context.settings.lifetimes;
  json::object object;
  object["address"] = JsonText(key);
  if (const auto pin = context.cache.FindPin(key, address.domain(), now)) object["pin"] = ToJson(*pin);
  if (const auto record = context.cache.FindRecord(key)) object["record"] = ToJson(*record, lifetimes, now);
  if (const auto fact = context.cache.FindDomainFact(address.domain())) {
    object["domain"] = ToJson(*fact, lifetimes, now);
  }
  if (!SaysSomething(object)) return object;
  Question question;
  question.address = address;
  question.memory_only = true;
  if (const std::optional<Verdict> verdict = context.verifier.Recall(question)) {
    object["verdict"] = ToJson(key, *verdict);
  }
  return object;
}

// "@domain" or an address, as the key of a pin.
absl::StatusOr<std::string> PinKeyOf(absl::string_view target) {
  if (absl::ConsumePrefix(&target, "@")) {
    ASSIGN_OR_RETURN(const std::string domain, ParseDomain(target));
    return absl::StrCat("@", domain);
  }
  const absl::StatusOr<Address> address = Address::Parse(target);
  if (address.ok()) return FoldedKey(address->Key());
  if (const absl::StatusOr<std::string> domain = ParseDomain(target); domain.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("found \"", *domain, "\", expected an address or @DOMAIN; did you mean @", *domain, "?"));
  }
  return address.status();
}

// By name.
std::vector<DestinationState> HeldDestinations(Cache& cache, absl::Time now) {
  std::vector<DestinationState> states = cache.LoadDestinationStates();
  std::erase_if(states, [&](const DestinationState& state) { return state.held_until <= now; });
  absl::c_sort(states, [](const DestinationState& a, const DestinationState& b) { return a.name < b.name; });
  return states;
}

}  // namespace

// The address as it was asked about, or, where only other spellings of it have records, those.
ApiReply HandleShow(ApiContext& context, const ApiArguments& arguments) {
  const absl::StatusOr<Address> address = Address::Parse(arguments.address);
  if (!address.ok()) return ApiError(400, address.status().message());
  const Cache::Spellings spellings = context.cache.SpellingsOf(address->Key());
  std::vector<Address> shown;
  for (const std::string& key : spellings.keys) {
    if (absl::StatusOr<Address> spelled = Address::FromUnquoted(key); spelled.ok()) shown.push_back(*spelled);
  }
  if (shown.empty()) shown.push_back(*address);
  std::string lines;
  for (const Address& spelled : shown) {
    json::object held = HeldOf(context, spelled);
    if (!SaysSomething(held)) {
      return ApiError(404, absl::StrCat("nothing is held of ", address->Key(), OtherSpellings(spellings)));
    }
    if (spelled != *address) held["asked"] = JsonText(address->Key());
    absl::StrAppend(&lines, json::serialize(held), "\n");
  }
  ApiReply reply;
  if (shown.size() == 1) {
    lines.pop_back();
    reply.body = std::move(lines);
  } else {
    reply.lines = OneBlock(std::move(lines));
  }
  return reply;
}

ApiReply HandleDelete(ApiContext& context, const ApiArguments& arguments) {
  const absl::StatusOr<Address> address = Address::Parse(arguments.address);
  if (!address.ok()) return ApiError(400, address.status().message());
  const std::string key = address->Key();
  json::array deleted;
  json::array others;
  const Cache::Spellings spellings = context.cache.SpellingsOf(key);
  for (const std::string& spelled : spellings.keys) {
    if (!context.cache.DeleteRecord(spelled)) continue;
    if (deleted.empty()) deleted.emplace_back("record");
    if (spelled != key) others.emplace_back(JsonText(spelled));
  }
  // Else the address would go on being answered with what holds for its domain.
  const std::optional<DomainFact> fact = context.cache.FindDomainFact(address->domain());
  if (fact.has_value() && fact->decides() && context.cache.DeleteDomainFact(address->domain())) {
    deleted.emplace_back("domain");
  }
  if (deleted.empty()) return ApiError(404, absl::StrCat("nothing is held of ", key, OtherSpellings(spellings)));
  LogInfo(absl::StrCat("control: deleted what is held of <", key, ">"));
  json::object object;
  object["address"] = JsonText(key);
  object["deleted"] = std::move(deleted);
  if (!others.empty()) object["spellings"] = std::move(others);
  return JsonReply(object);
}

ApiReply HandlePins(ApiContext& context, const ApiArguments& /*arguments*/) {
  json::array pins;
  const absl::Time now = context.loop.clock().Now();
  for (const auto& [key, pin] : context.cache.ListPins(now)) pins.push_back(ToJson(key, pin));
  for (const DestinationState& state : HeldDestinations(context.cache, now)) {
    Pin hold{.deliverability = Deliverability::kUnknown, .until = state.held_until, .why = state.held_why};
    pins.push_back(ToJson(absl::StrCat("hold ", state.name), hold));
  }
  json::object object;
  object["pins"] = std::move(pins);
  return JsonReply(object);
}

ApiReply HandleSet(ApiContext& context, const ApiArguments& arguments) {
  const absl::StatusOr<std::string> key = PinKeyOf(arguments.target);
  if (!key.ok()) return ApiError(400, absl::StrCat("\"target\": ", key.status().message()));
  if (arguments.deliverability == Deliverability::kUnknown) {
    return ApiError(400, "\"status\": found none, expected deliverable or undeliverable");
  }
  const Pin pin = PinOf(arguments, context.loop.clock().Now());
  context.cache.PutPin(*key, pin);
  LogInfo(absl::StrCat("control: ", *key, " is ", DeliverabilityName(pin.deliverability), " by the operator's word"));
  return JsonReply(ToJson(*key, pin));
}

ApiReply HandleUnset(ApiContext& context, const ApiArguments& arguments) {
  const absl::StatusOr<std::string> key = PinKeyOf(arguments.target);
  if (!key.ok()) return ApiError(400, absl::StrCat("\"target\": ", key.status().message()));
  if (!context.cache.DeletePin(*key)) return ApiError(404, absl::StrCat("nothing is set for ", *key));
  LogInfo(absl::StrCat("control: nothing is set for ", *key, " any more"));
  return JsonReply({{"target", JsonText(*key)}, {"unset", true}});
}

// Domains of which something is known that holds for all their addresses.
ApiReply HandleDomains(ApiContext& context, const ApiArguments& /*arguments*/) {
  const absl::Time now = context.loop.clock().Now();
  const Lifetimes lifetimes = context.settings.lifetimes;
  std::vector<DomainFact> facts = context.cache.LoadDomainFacts();
  absl::c_sort(facts, [](const DomainFact& a, const DomainFact& b) { return a.domain < b.domain; });
  // So many at a time that nobody else has to wait for them.
  auto blocks = std::make_shared<std::deque<std::string>>();
  for (const DomainFact& fact : facts) {
    const CatchAll catch_all = CatchAllOf(fact, lifetimes, now);
    const bool decides = fact.decides() && FreshnessOf(fact, lifetimes, now) != Freshness::kExpired;
    if (!decides && !fact.pending.has_value() && catch_all == CatchAll::kNotAsked) continue;
    if (blocks->empty() || blocks->back().size() >= kBlock) blocks->emplace_back();
    absl::StrAppend(&blocks->back(), json::serialize(ToJson(fact, lifetimes, now)), "\n");
  }
  ApiReply reply;
  reply.lines = [blocks]() -> boost::asio::awaitable<std::optional<std::string>> {
    if (blocks->empty()) co_return std::nullopt;
    std::string block = std::move(blocks->front());
    blocks->pop_front();
    co_return block;
  };
  return reply;
}

}  // namespace verifyd
