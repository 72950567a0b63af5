#include "verifyd/api.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <optional>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/signal.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "cache/spelling.h"
#include "mail/address.h"
#include "verifyd/cache_routes.h"
#include "verifyd/configuration.h"
#include "verifyd/json.h"
#include "verifyd/question_list.h"
#include "verifyd/record/replay.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// What is longer is no address, and is shown cut.
constexpr size_t kShownAddress = Address::kMaxAddress;
constexpr size_t kMaxWhy = 250;
// Of longer lists nobody asks for other spellings: a program matches the answers with what it has asked.
constexpr size_t kMostRespelled = 100;
// Of lines that go out together.
constexpr size_t kBlock = size_t{16} * 1024;

int HttpStatusOf(const absl::Status& status) {
  if (absl::IsInvalidArgument(status)) return 400;
  if (absl::IsNotFound(status)) return 404;
  return 503;
}

// ---- Verifying and querying: many addresses, answered as they come.

LineSource OneBlock(std::string lines) {
  return [lines =
              std::make_shared<std::string>(std::move(lines))]() -> boost::asio::awaitable<std::optional<std::string>> {
    if (lines->empty()) co_return std::nullopt;
    co_return std::exchange(*lines, std::string());
  };
}

LineSource LinesOf(const std::vector<std::string>& addresses) {
  std::string lines;
  // What has a line end in it is no address; it must not become two.
  for (const std::string& address : addresses) {
    absl::StrAppend(&lines, absl::StrReplaceAll(address, {{"\n", "\\n"}}), "\n");
  }
  return OneBlock(std::move(lines));
}

// Of an address that has no record under its own spelling, those that have one.
LineSource Respelled(Loop& loop, Cache& cache, LineSource lines) {
  return [&loop, &cache, lines = std::move(lines)]() -> boost::asio::awaitable<std::optional<std::string>> {
    const std::optional<std::string> next = co_await lines();
    if (!next.has_value()) co_return std::nullopt;
    std::string respelled;
    for (const absl::string_view line : absl::StrSplit(*next, '\n', absl::SkipEmpty())) {
      const absl::StatusOr<Address> address = Address::Parse(absl::StripAsciiWhitespace(line));
      if (!address.ok() || cache.FindRecord(address->Key()).has_value()) {
        absl::StrAppend(&respelled, line, "\n");
        continue;
      }
      const Cache::Spellings spellings = cache.SpellingsOf(address->Key());
      for (const std::string& key : spellings.keys) {
        const absl::StatusOr<Address> spelled = Address::FromUnquoted(key);
        if (spelled.ok()) absl::StrAppend(&respelled, spelled->ToSmtp(), "\n");
      }
      if (spellings.keys.empty()) absl::StrAppend(&respelled, line, "\n");
      // In a cache without a file a search looks at all that is held.
      co_await loop.Yield();
    }
    co_return respelled;
  };
}

ApiReply AskAll(ApiContext& context, const ApiArguments& arguments, Question question) {
  if (arguments.addresses.empty() && !arguments.lines) {
    return ApiError(400, "\"addresses\": found none, expected at least one");
  }
  question.role = arguments.role;
  question.urgency = arguments.addresses.size() == 1 ? Urgency::kWaiting : Urgency::kList;
  ApiReply reply;
  LineSource addresses = arguments.lines ? arguments.lines : LinesOf(arguments.addresses);
  if (question.memory_only && !arguments.lines && arguments.addresses.size() <= kMostRespelled) {
    addresses = Respelled(context.loop, context.cache, std::move(addresses));
  }
  reply.lines = QuestionList::Answers(context.loop, context.verifier, std::move(question), std::move(addresses));
  return reply;
}

ApiReply HandleVerify(ApiContext& context, const ApiArguments& arguments) {
  Question question;
  question.fresh = arguments.fresh;
  question.wants_catch_all = true;  // the status differs
  question.transcript = arguments.trace;
  question.patience = arguments.patience.has_value()
                          ? *arguments.patience
                          : context.configuration()->settings->Time("address_verify_probe_time_limit");
  return AskAll(context, arguments, std::move(question));
}

ApiReply HandleQuery(ApiContext& context, const ApiArguments& arguments) {
  Question question;
  question.memory_only = true;
  return AskAll(context, arguments, std::move(question));
}

// ---- One address and what is held of it.

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
  const Lifetimes lifetimes = context.configuration()->cache.lifetimes;
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

// Every spelling of the address that has a record; where none has, what holds for the address as it was asked about.
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

// ---- The operator's word: pins, holds, trust.

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

Pin PinOf(const ApiContext& context, const ApiArguments& arguments) {
  const absl::Time now = context.loop.clock().Now();
  return {.deliverability = arguments.deliverability,
          .set_at = now,
          .until = now + arguments.for_time,
          .why = Printable(arguments.why, kMaxWhy),
          .tell = arguments.tell};
}

// By name.
std::vector<DestinationState> HeldDestinations(Cache& cache, absl::Time now) {
  std::vector<DestinationState> states = cache.LoadDestinationStates();
  std::erase_if(states, [&](const DestinationState& state) { return state.held_until <= now; });
  absl::c_sort(states, [](const DestinationState& a, const DestinationState& b) { return a.name < b.name; });
  return states;
}

// What is asked next shows it, though the prober's loop may not have heard of it yet.
void HoldDestination(ApiContext& context, DestinationState state, absl::Time until, absl::string_view why) {
  state.held_until = until;
  state.held_why = std::string(why);
  context.cache.PutDestinationState(state);
  context.prober.Hold(state.name, until);
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
  const Pin pin = PinOf(context, arguments);
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

// What is kept of one domain at a destination stands beside the destinations as "DESTINATION DOMAIN". Only the guard's
// doubt of it is the operator's to end: it is no destination, and a hold or reset of that name would reach nobody.
std::optional<ApiReply> RefuseDomainAtDestination(absl::string_view target) {
  const size_t blank = target.rfind(' ');
  if (blank == absl::string_view::npos) return std::nullopt;
  const std::string destination = Printable(target.substr(0, blank), kShownAddress);
  const std::string domain = Printable(target.substr(blank + 1), kShownAddress);
  return ApiError(400,
                  absl::StrCat("\"target\": found ", domain, " at ", destination, ", expected the destination, \"",
                               destination, "\", which has its domains with it, or, for a hold, \"@", domain, "\""));
}

// "@domain", or the name of a destination.
ApiReply HandleHold(ApiContext& context, const ApiArguments& arguments) {
  const Pin hold = PinOf(context, arguments);
  if (absl::StartsWith(arguments.target, "@")) {
    const absl::StatusOr<std::string> domain = ParseDomain(absl::string_view(arguments.target).substr(1));
    if (!domain.ok()) return ApiError(400, absl::StrCat("\"target\": ", domain.status().message()));
    context.cache.PutPin(Pin::HoldKey(*domain), hold);
  } else if (std::optional<ApiReply> refused = RefuseDomainAtDestination(arguments.target)) {
    return *std::move(refused);
  } else if (std::optional<DestinationState> state = context.cache.FindDestinationState(arguments.target)) {
    if (hold.tell) return ApiError(400, "clients can be told why of \"@domain\" only, not of a destination");
    HoldDestination(context, *std::move(state), hold.until, hold.why);
  } else {
    const absl::StatusOr<std::string> domain = ParseDomain(arguments.target);
    return ApiError(404, absl::StrCat("no destination ", Printable(arguments.target, kShownAddress),
                                      " is known (`verifyctl destinations` shows their names)",
                                      domain.ok() ? absl::StrCat("; did you mean @", *domain, "?") : ""));
  }
  LogInfo(absl::StrCat("control: ", Printable(arguments.target, kShownAddress), " is on hold"));
  json::object object = ToJson(arguments.target, hold);
  object["status"] = "hold";
  return JsonReply(object);
}

ApiReply HandleRelease(ApiContext& context, const ApiArguments& arguments) {
  const absl::Time now = context.loop.clock().Now();
  bool held = false;
  if (absl::StartsWith(arguments.target, "@")) {
    const absl::StatusOr<std::string> domain = ParseDomain(absl::string_view(arguments.target).substr(1));
    if (!domain.ok()) return ApiError(400, absl::StrCat("\"target\": ", domain.status().message()));
    held = context.cache.DeletePin(Pin::HoldKey(*domain));
  } else if (std::optional<ApiReply> refused = RefuseDomainAtDestination(arguments.target)) {
    return *std::move(refused);
  } else if (const auto state = context.cache.FindDestinationState(arguments.target)) {
    held = state->held_until > now;
    if (held) HoldDestination(context, *state, absl::InfinitePast(), "");
  }
  const std::string shown = Printable(arguments.target, kShownAddress);
  if (!held) return ApiError(404, absl::StrCat(shown, " is not on hold"));
  LogInfo(absl::StrCat("control: ", shown, " is not on hold any more"));
  return JsonReply({{"target", JsonText(shown)}, {"released", true}});
}

// What is remembered, with what goes on there now.
boost::asio::awaitable<std::string> DestinationsNow(Prober& prober, std::string name,
                                                    std::vector<DestinationState> states, absl::Time now) {
  absl::flat_hash_map<std::string, DestinationActivity> active;
  for (DestinationActivity& activity : co_await prober.Activity(name)) active[activity.name] = std::move(activity);
  json::array destinations;
  for (const DestinationState& state : states) {
    json::object& shown = destinations.emplace_back(ToJson(state, now)).get_object();
    if (const auto found = active.find(state.name); found != active.end()) shown["now"] = ToJson(found->second);
  }
  json::object object;
  object["destinations"] = std::move(destinations);
  co_return json::serialize(object);
}

ApiReply HandleDestinations(ApiContext& context, const ApiArguments& arguments) {
  const absl::Time now = context.loop.clock().Now();
  std::vector<DestinationState> states = context.cache.LoadDestinationStates();
  absl::c_sort(states, [](const DestinationState& a, const DestinationState& b) { return a.name < b.name; });
  if (!arguments.target.empty()) {
    std::erase_if(states, [&](const DestinationState& state) { return state.name != arguments.target; });
    if (states.empty()) {
      return ApiError(404, absl::StrCat("nothing is held of ", Printable(arguments.target, kShownAddress)));
    }
  }
  ApiReply reply;
  reply.lines = [&prober = context.prober, name = arguments.target, states = std::move(states), now,
                 done = false]() mutable -> boost::asio::awaitable<std::optional<std::string>> {
    if (std::exchange(done, true)) co_return std::nullopt;
    co_return absl::StrCat(co_await DestinationsNow(prober, name, std::move(states), now), "\n");
  };
  return reply;
}

// A destination begins anew: no breaker, no pace that was found out, no resting source. Doubt and hold have their own
// verbs.
ApiReply HandleReset(ApiContext& context, const ApiArguments& arguments) {
  if (std::optional<ApiReply> refused = RefuseDomainAtDestination(arguments.target)) return *std::move(refused);
  const std::string shown = Printable(arguments.target, kShownAddress);
  if (!context.cache.FindDestinationState(arguments.target).has_value()) {
    return ApiError(404, absl::StrCat("nothing is held of ", shown));
  }
  context.prober.Reset(arguments.target);
  return JsonReply({{"target", JsonText(shown)}, {"reset", true}});
}

// Domains of which something is known that holds for all their addresses.
ApiReply HandleDomains(ApiContext& context, const ApiArguments& /*arguments*/) {
  const absl::Time now = context.loop.clock().Now();
  const Lifetimes lifetimes = context.configuration()->cache.lifetimes;
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

ApiReply HandleTrust(ApiContext& context, const ApiArguments& arguments) {
  const std::string shown = Printable(arguments.target, kShownAddress);
  if (!context.verifier.Trust(arguments.target)) return ApiError(404, absl::StrCat("nothing is held of ", shown));
  return JsonReply({{"target", JsonText(shown)}, {"believed", true}});
}

// ---- What was decided, and what would be.

ApiReply NobodyDecides() { return ApiError(503, "no mail is decided on here: verifyd is not running"); }

ApiReply HandleReport(ApiContext& context, const ApiArguments& arguments) {
  if (context.record == nullptr) return NobodyDecides();
  ApiReply reply;
  reply.lines = [&record = *context.record, since = arguments.since,
                 done = false]() mutable -> boost::asio::awaitable<std::optional<std::string>> {
    if (std::exchange(done, true)) co_return std::nullopt;
    co_return absl::StrCat(co_await record.Report(since), "\n");
  };
  return reply;
}

ApiReply HandleRefusal(ApiContext& context, const ApiArguments& arguments) {
  if (context.record == nullptr) return NobodyDecides();
  if (!IsRefusalId(arguments.id)) return ApiError(400, "\"id\": expected the eight characters behind \"id\"");
  std::optional<std::string> refusal = context.record->FindRefusal(arguments.id);
  if (!refusal.has_value()) return ApiError(404, absl::StrCat("no refusal ", arguments.id, " is remembered"));
  boost::system::error_code never;
  json::object object = json::parse(*refusal, never).as_object();
  if (const json::value* const subject = object.if_contains("subject"); subject != nullptr) {
    const absl::StatusOr<Address> address =
        Address::FromUnquoted({subject->as_string().data(), subject->as_string().size()});
    const Dialogue* const dialogue = address.ok() ? context.verifier.dialogues().Find(address->Key()) : nullptr;
    if (dialogue != nullptr) {
      object["asked"] = ToJson(dialogue->ended);
      object["transcript"] = ToJson(dialogue->lines);
    }
  }
  ApiReply reply;
  reply.body = json::serialize(object);
  return reply;
}

ApiReply HandleReplay(ApiContext& context, const ApiArguments& arguments) {
  if (context.restrictions == nullptr) return NobodyDecides();
  if (arguments.addresses.empty() && !arguments.lines) {
    return ApiError(400, "\"requests\": found none, expected at least one");
  }
  ApiReply reply;
  reply.lines =
      Replay::Report({.loop = context.loop,
                      .restrictions = *context.restrictions,
                      .verifier = context.verifier,
                      .cache = context.cache},
                     arguments.probe, context.configuration()->settings->Time("address_verify_probe_time_limit"),
                     arguments.lines ? arguments.lines : LinesOf(arguments.addresses));
  return reply;
}

// ---- The daemon.

json::object CacheStats(const CacheCounts& counts) {
  json::object object = {
      {"persistent", counts.persistent}, {"records", counts.records},        {"domains", counts.domains},
      {"file_bytes", counts.file_bytes}, {"used_bytes", counts.used_bytes},  {"evicted", counts.evicted},
      {"commits", counts.commits},       {"writes", counts.writes},          {"write_errors", counts.write_errors},
      {"damaged", counts.damaged},       {"uncommitted", counts.uncommitted}};
  if (!counts.write_error.empty()) object["write_error"] = JsonText(counts.write_error);
  return object;
}

json::object ProberStats(const ProberCounts& counts) {
  return {{"probes", counts.probes},
          {"connections", counts.connections},
          {"refused_connections", counts.refused_connections},
          {"sessions_now", counts.sessions_now},
          {"queued_now", counts.queued_now},
          {"destinations_now", counts.destinations_now}};
}

// Counters are doubles that hold whole numbers; "12.0" would only puzzle.
json::value Number(double value) {
  const auto whole = static_cast<int64_t>(value);
  if (static_cast<double>(whole) == value) return whole;
  return value;
}

json::object Numbers(const std::vector<std::pair<std::string, double>>& values) {
  json::object object;
  for (const auto& [name, value] : values) object[name] = Number(value);
  return object;
}

ApiReply HandleStats(ApiContext& context, const ApiArguments& /*arguments*/) {
  json::object object;
  object["cache"] = CacheStats(context.cache.counts());
  object["prober"] = ProberStats(context.prober.counts());
  object["verifier"] = {{"waiting_now", context.verifier.waiting()}, {"flying_now", context.verifier.flying()}};
  if (context.more_stats) object["daemon"] = Numbers(context.more_stats());
  object["counters"] = Numbers(context.metrics.Collect());
  return JsonReply(object);
}

ApiReply HandleStatus(ApiContext& context, const ApiArguments& /*arguments*/) {
  if (!context.daemon_status) return ApiError(503, "verifyd is not running");
  const std::shared_ptr<const Configuration> configuration = context.configuration();
  const absl::Time now = context.loop.clock().Now();
  return JsonReply(ToJson(StatusOf(context.daemon_status(), *configuration, context.cache, now), now));
}

ApiReply HandleConfig(ApiContext& context, const ApiArguments& /*arguments*/) {
  const std::shared_ptr<const Configuration> configuration = context.configuration();
  json::array rows;
  for (const SettingRow& row : Settings::Table()) rows.push_back(ToJson(row, *configuration->settings));
  json::object object;
  object["settings"] = std::move(rows);
  return JsonReply(object);
}

boost::asio::awaitable<ApiReply> Reload(ApiContext& context) {
  const absl::StatusOr<std::vector<std::string>> later = co_await context.reload();
  if (!later.ok()) co_return ApiError(HttpStatusOf(later.status()), later.status().message());
  json::array warnings;
  const std::shared_ptr<const Configuration> configuration = context.configuration();
  for (const std::string& warning : configuration->warnings) warnings.push_back(JsonText(warning));
  json::object object;
  object["reloaded"] = true;
  object["warnings"] = std::move(warnings);
  json::array& restart = object["wait_for_restart"].emplace_array();
  for (const std::string& name : *later) restart.push_back(JsonText(name));
  co_return JsonReply(object);
}

ApiReply HandleReload(ApiContext& context, const ApiArguments& /*arguments*/) {
  ApiReply reply;
  reply.later = [&context] { return Reload(context); };
  return reply;
}

ApiReply HandleRoutes(ApiContext& /*context*/, const ApiArguments& /*arguments*/) {
  json::array routes;
  for (const ApiRoute& route : ApiRoutes()) {
    json::object entry;
    entry["method"] = JsonText(route.method);
    entry["path"] = JsonText(route.path);
    entry["right"] = route.right == ApiRight::kRead ? "read" : "change";
    json::object documented;
    for (const absl::string_view name : route.arguments) {
      documented[json::string_view(name.data(), name.size())] = JsonText(ApiArgumentDocumentation(name));
    }
    entry["arguments"] = std::move(documented);
    entry["documentation"] = JsonText(route.documentation);
    routes.push_back(std::move(entry));
  }
  json::object object;
  object["routes"] = std::move(routes);
  return JsonReply(object);
}

// While the settings can not be used nothing is known, and what were said would be forgotten.
bool WorksWithoutSettings(const ApiRoute& route) {
  constexpr std::array<absl::string_view, 5> kWork = {"/v1/", "/v1/status", "/v1/stats", "/v1/config", "/v1/reload"};
  return absl::c_linear_search(kWork, route.path);
}

bool TakesLines(const ApiRoute& route) {
  return absl::c_linear_search(route.arguments, "addresses") || absl::c_linear_search(route.arguments, "requests");
}

}  // namespace

const std::vector<ApiRoute>& ApiRoutes() {
  static const auto* const kTable = new std::vector<ApiRoute>{
      {"GET", "/v1/", ApiRight::kRead, {}, "This list.", HandleRoutes},
      {"POST",
       "/v1/verify",
       ApiRight::kChange,
       {"addresses", "fresh", "patience", "role", "trace"},
       "Verify addresses, from memory or by a probe; a line for each as its answer comes. A body of text/plain has an "
       "address a line, without end; the other arguments are then in the query.",
       HandleVerify},
      {"POST",
       "/v1/query",
       ApiRight::kRead,
       {"addresses", "role"},
       "What memory answers about addresses, without a probe; a line for each. Where only other spellings of one are "
       "held, those are answered.",
       HandleQuery},
      {"GET",
       "/v1/record",
       ApiRight::kRead,
       {"address"},
       "Everything that is held of an address; a line for each of its spellings that is held.",
       HandleShow},
      {"DELETE",
       "/v1/record",
       ApiRight::kChange,
       {"address"},
       "Forget the records of an address, however it is spelled, and what decides about its whole domain.",
       HandleDelete},
      {"GET",
       "/v1/records",
       ApiRight::kRead,
       {"after", "deliverability", "domain", "mx", "newer", "older", "reason"},
       "A page of what is held of addresses, a line for each; the last line says what has been looked at, and where "
       "the next page begins.",
       HandleRecords},
      {"POST",
       "/v1/records",
       ApiRight::kChange,
       {"records"},
       "Take records in, unless what is held is newer; says what became of how many, and which could not be read.",
       HandleImport},
      {"POST",
       "/v1/learned",
       ApiRight::kChange,
       {"deliveries", "dry_run"},
       "Take in what deliveries of Postfix say of their recipients, where the relay is the address's own route; says "
       "what became of how many.",
       HandleLearn},
      {"POST",
       "/v1/clean",
       ApiRight::kChange,
       {},
       "Remove what has expired from the cache now; says how many records and domains there were, and are.",
       HandleClean},
      {"DELETE",
       "/v1/records",
       ApiRight::kChange,
       {"after", "deliverability", "domain", "dry_run", "mx", "newer", "older", "reason"},
       "Forget a page of them; at least one argument must say which.",
       HandlePurge},
      {"GET", "/v1/pins", ApiRight::kRead, {}, "What the operator has set, and what is on hold.", HandlePins},
      {"POST",
       "/v1/pins",
       ApiRight::kChange,
       {"target", "status", "for", "why", "tell"},
       "Set what is held true of an address, or of a whole domain (\"@domain\"); it wins over everything.",
       HandleSet},
      {"DELETE", "/v1/pins", ApiRight::kChange, {"target"}, "Take that back.", HandleUnset},
      {"POST",
       "/v1/hold",
       ApiRight::kChange,
       {"target", "for", "why", "tell"},
       "Put \"@domain\" or a destination on hold: no probes, and what is known stays.",
       HandleHold},
      {"DELETE", "/v1/hold", ApiRight::kChange, {"target"}, "End a hold.", HandleRelease},
      {"GET",
       "/v1/destinations",
       ApiRight::kRead,
       {"target"},
       "What is remembered of destinations (doubts, holds, why they are left alone), and what goes on there now.",
       HandleDestinations},
      {"GET",
       "/v1/domains",
       ApiRight::kRead,
       {},
       "What is known of whole domains (catch-all, no such domain, ...); a line for each.",
       HandleDomains},
      {"POST",
       "/v1/trust",
       ApiRight::kChange,
       {"target"},
       "End the doubt of a destination: what it says is believed from now on.",
       HandleTrust},
      {"POST",
       "/v1/reset",
       ApiRight::kChange,
       {"target"},
       "Forget what speaks against a destination, and the pace that was found out.",
       HandleReset},
      {"GET",
       "/v1/report",
       ApiRight::kRead,
       {"since"},
       "What was refused or deferred, and what would have been, by reason, by domain and by address.",
       HandleReport},
      {"GET", "/v1/refusal", ApiRight::kRead, {"id"}, "What is remembered of a refusal (refusal_id).", HandleRefusal},
      {"POST",
       "/v1/replay",
       ApiRight::kChange,
       {"requests", "probe"},
       "What would be decided on mail of before; one report behind the last request. A body of text/plain has a "
       "request a line, without end; the other arguments are then in the query.",
       HandleReplay},
      {"GET", "/v1/stats", ApiRight::kRead, {}, "Counters and gauges.", HandleStats},
      {"GET",
       "/v1/status",
       ApiRight::kRead,
       {},
       "Whether all is well (level 0), something is to be mended (1), or mail is not verified (2), and what.",
       HandleStatus},
      {"GET", "/v1/config", ApiRight::kRead, {}, "All settings as the daemon has them.", HandleConfig},
      {"POST", "/v1/reload", ApiRight::kChange, {}, "Read the settings file again.", HandleReload},
  };
  return *kTable;
}

ApiReply JsonReply(const json::object& object) {
  ApiReply reply;
  reply.body = json::serialize(object);
  return reply;
}

ApiReply ApiError(int status, absl::string_view message) {
  json::object object;
  object["error"] = JsonText(message);
  ApiReply reply = JsonReply(object);
  reply.status = status;
  return reply;
}

ApiReply HandleApiRequest(ApiContext& context, const ApiRequest& request) {
  const std::pair<absl::string_view, absl::string_view> target =
      absl::StrSplit(request.target, absl::MaxSplits('?', 1));
  bool path_known = false;
  for (const ApiRoute& route : ApiRoutes()) {
    if (route.path != target.first) continue;
    path_known = true;
    if (route.method != request.method) continue;
    if (route.right == ApiRight::kChange && request.right != ApiRight::kChange) {
      return ApiError(403, "this needs the right to change, you may only look");
    }
    ApiArguments arguments;
    arguments.lines = request.lines;
    ApiArgumentReader reader(absl::StrCat(route.method, " ", route.path), route.arguments, arguments);
    absl::Status status = reader.TakeQuery(target.second);
    if (request.lines && !TakesLines(route)) {
      return ApiError(415, "this takes no lines of text, only a JSON object");
    }
    if (status.ok()) status = reader.TakeBody(request.body);
    if (!status.ok()) return ApiError(400, status.message());
    if (context.configuration && context.configuration()->stand_in == StandIn::kStopgap &&
        !WorksWithoutSettings(route)) {
      return ApiError(503, "nothing is verified: the settings can not be used; see verifyctl status");
    }
    return route.handler(context, arguments);
  }
  if (path_known) return ApiError(405, "this path is not for this method; GET /v1/ lists what there is");
  return ApiError(404, "no such path; GET /v1/ lists what there is");
}

}  // namespace verifyd
