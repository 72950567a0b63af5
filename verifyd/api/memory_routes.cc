#include "verifyd/api/memory_routes.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "boost/asio/awaitable.hpp"
#include "cache/cache.h"
#include "cache/spelling.h"
#include "mail/address.h"
#include "mail/question.h"
#include "mail/verdict.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_record.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {
namespace {

// Longer lists get no other spellings: a program matches the answers with its questions.
constexpr size_t kMostRespelled = 100;

// Replaces an address that has no record under its own spelling by the spellings that have one.
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

// Answers that go out together, and in one turn of the loop; the doors have their turn in between.
constexpr size_t kAnsweredTogether = 512;
constexpr size_t kAnsweredInATurn = 8;

std::string AnswerOf(ApiMemory& memory, Question question, absl::string_view text) {
  absl::StatusOr<Address> address = Address::Parse(text);
  if (!address.ok()) return AnswerLine(text, address.status());
  question.address = *std::move(address);
  return AnswerLine(text, memory.recall(question));
}

// Answers from memory about each of `addresses` (one a line; empty lines and those that begin with '#' are passed
// over).
LineSource Answers(ApiMemory& memory, const Question& question, LineSource addresses) {
  return [&memory, question, addresses = std::move(addresses), lines = std::string(),
          begin = size_t{0}]() mutable -> boost::asio::awaitable<std::optional<std::string>> {
    std::string answers;
    for (size_t answered = 0; answered < kAnsweredTogether;) {
      if (begin >= lines.size()) {
        if (answered > 0) break;
        std::optional<std::string> next = co_await addresses();
        if (!next.has_value()) co_return std::nullopt;
        lines = *std::move(next);
        begin = 0;
        continue;
      }
      const size_t end = std::min(lines.find('\n', begin), lines.size());
      const absl::string_view line = absl::StripAsciiWhitespace(absl::string_view(lines).substr(begin, end - begin));
      begin = end + 1;
      if (line.empty() || line[0] == '#') continue;
      absl::StrAppend(&answers, AnswerOf(memory, question, line));
      if (++answered % kAnsweredInATurn == 0) co_await memory.loop.Yield();
    }
    co_return answers;
  };
}

// Bytes of lines that go out together.
constexpr size_t kBlock = size_t{16} * 1024;

// Where addresses are kept hashed, another spelling looks like another address.
absl::string_view OtherSpellings(const Cache::Spellings& spellings) {
  return spellings.complete ? "" : "; other spellings of it are not looked for where addresses are kept hashed";
}

// Returns all that is held of an address, a line; nothing where that is nothing. `asked` is its spelling in the
// question, if that is another.
std::optional<std::string> HeldLine(ApiMemory& memory, const Address& address, absl::string_view asked) {
  const std::string key = address.Key();
  const absl::Time now = memory.loop.clock().Now();
  const Lifetimes lifetimes = memory.settings.lifetimes;
  const std::optional<Pin> pin = memory.cache.FindPin(key, address.domain(), now);
  const std::optional<Record> record = memory.cache.FindRecord(key);
  const std::optional<DomainFact> fact = memory.cache.FindDomainFact(address.domain());
  if (!pin.has_value() && !record.has_value() && !fact.has_value()) return std::nullopt;
  Question question;
  question.address = address;
  question.memory_only = true;
  const Verdict verdict = memory.recall(question);
  ShownHeld held{.address = key, .verdict = Shown(key, verdict), .asked = asked};
  if (pin.has_value()) held.pin = Shown(*pin);
  if (record.has_value()) held.record = Shown(*record, lifetimes, now);
  if (fact.has_value()) held.domain = Shown(*fact, lifetimes, now);
  return JsonLine(held);
}

// Turns "@domain" or an address into the key of a pin.
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

// Returns the destinations on hold, by name.
std::vector<DestinationState> HeldDestinations(Cache& cache, absl::Time now) {
  std::vector<DestinationState> states = cache.LoadDestinationStates();
  std::erase_if(states, [&](const DestinationState& state) { return state.held_until <= now; });
  absl::c_sort(states, [](const DestinationState& a, const DestinationState& b) { return a.name < b.name; });
  return states;
}

ApiReply HandleQuery(ApiMemory& memory, const ApiArguments& arguments) {
  if (!arguments.names_addresses()) return NoAddresses("addresses");
  Question question;
  question.memory_only = true;
  question.role = arguments.role;
  LineSource addresses = LinesOf(arguments);
  if (!arguments.lines && arguments.addresses.size() <= kMostRespelled) {
    addresses = Respelled(memory.loop, memory.cache, std::move(addresses));
  }
  ApiReply reply;
  reply.lines = Answers(memory, question, std::move(addresses));
  return reply;
}

// Shows every spelling of the address that has a record. Where none has, it shows what holds for the address as asked.
ApiReply HandleShow(ApiMemory& memory, const ApiArguments& arguments) {
  const absl::StatusOr<Address> address = Address::Parse(arguments.address);
  if (!address.ok()) return ApiError(400, address.status().message());
  const Cache::Spellings spellings = memory.cache.SpellingsOf(address->Key());
  std::vector<Address> shown;
  for (const std::string& key : spellings.keys) {
    if (absl::StatusOr<Address> spelled = Address::FromUnquoted(key); spelled.ok()) shown.push_back(*spelled);
  }
  if (shown.empty()) shown.push_back(*address);
  std::string lines;
  for (const Address& spelled : shown) {
    const std::optional<std::string> held = HeldLine(memory, spelled, spelled == *address ? "" : address->Key());
    if (!held.has_value()) {
      return ApiError(404, absl::StrCat("nothing is held of ", address->Key(), OtherSpellings(spellings)));
    }
    lines += *held;
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

ApiReply HandleDelete(ApiMemory& memory, const ApiArguments& arguments) {
  const absl::StatusOr<Address> address = Address::Parse(arguments.address);
  if (!address.ok()) return ApiError(400, address.status().message());
  const std::string key = address->Key();
  ShownDeletion shown{.address = key};
  const Cache::Spellings spellings = memory.cache.SpellingsOf(key);
  for (const std::string& spelled : spellings.keys) {
    if (!memory.cache.DeleteRecord(spelled)) continue;
    if (shown.deleted.empty()) shown.deleted.emplace_back("record");
    if (spelled != key) shown.spellings.value.push_back(spelled);
  }
  // Otherwise the address would go on being answered with what holds for its domain.
  const std::optional<DomainFact> fact = memory.cache.FindDomainFact(address->domain());
  if (fact.has_value() && fact->decides() && memory.cache.DeleteDomainFact(address->domain())) {
    shown.deleted.emplace_back("domain");
  }
  if (shown.deleted.empty()) {
    return ApiError(404, absl::StrCat("nothing is held of ", key, OtherSpellings(spellings)));
  }
  LogInfo(absl::StrCat("control: deleted what is held of <", key, ">"));
  return JsonReply(AsJson(shown));
}

ApiReply HandlePins(ApiMemory& memory, const ApiArguments& /*arguments*/) {
  const absl::Time now = memory.loop.clock().Now();
  const std::vector<std::pair<std::string, Pin>> pins = memory.cache.ListPins(now);
  std::vector<std::pair<std::string, Hold>> holds;
  for (auto& [domain, hold] : memory.cache.ListHolds(now)) {
    holds.emplace_back(absl::StrCat("@", domain), std::move(hold));
  }
  for (DestinationState& state : HeldDestinations(memory.cache, now)) {
    holds.emplace_back(std::move(state.name), Hold{.until = state.held_until, .why = std::move(state.held_why)});
  }
  ShownPins shown;
  for (const auto& [key, pin] : pins) shown.pins.push_back(Shown(key, pin));
  for (const auto& [target, hold] : holds) shown.pins.push_back(Shown(target, hold));
  return JsonReply(AsJson(shown));
}

ApiReply HandleSet(ApiMemory& memory, const ApiArguments& arguments) {
  const absl::StatusOr<std::string> key = PinKeyOf(arguments.target);
  if (!key.ok()) return ApiError(400, absl::StrCat("\"target\": ", key.status().message()));
  if (arguments.deliverability == Deliverability::kUnknown) {
    return ApiError(400, "\"status\": found none, expected deliverable or undeliverable");
  }
  const Pin pin = PinOf(arguments, memory.loop.clock().Now());
  memory.cache.PutPin(*key, pin);
  LogInfo(absl::StrCat("control: ", *key, " is ", DeliverabilityName(pin.deliverability), " by the operator's word"));
  return JsonReply(AsJson(Shown(*key, pin)));
}

ApiReply HandleUnset(ApiMemory& memory, const ApiArguments& arguments) {
  const absl::StatusOr<std::string> key = PinKeyOf(arguments.target);
  if (!key.ok()) return ApiError(400, absl::StrCat("\"target\": ", key.status().message()));
  if (!memory.cache.DeletePin(*key)) return ApiError(404, absl::StrCat("nothing is set for ", *key));
  LogInfo(absl::StrCat("control: nothing is set for ", *key, " any more"));
  return JsonReply(AsJson(ShownPin{.target = *key, .unset = true}));
}

// Shows the domains of which something is known that holds for all their addresses.
ApiReply HandleDomains(ApiMemory& memory, const ApiArguments& /*arguments*/) {
  const absl::Time now = memory.loop.clock().Now();
  const Lifetimes lifetimes = memory.settings.lifetimes;
  std::vector<DomainFact> facts = memory.cache.LoadDomainFacts();
  absl::c_sort(facts, [](const DomainFact& a, const DomainFact& b) { return a.domain < b.domain; });
  // A block is so small that nothing else has to wait for it.
  auto blocks = std::make_shared<std::deque<std::string>>();
  for (const DomainFact& fact : facts) {
    const CatchAll catch_all = CatchAllOf(fact, lifetimes, now);
    const bool decides = fact.decides() && FreshnessOf(fact, lifetimes, now) != Freshness::kExpired;
    if (!decides && !fact.pending.has_value() && catch_all == CatchAll::kNotAsked) continue;
    if (blocks->empty() || blocks->back().size() >= kBlock) blocks->emplace_back();
    absl::StrAppend(&blocks->back(), JsonLine(Shown(fact, lifetimes, now)));
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

}  // namespace

std::vector<ApiRoute> MemoryRoutes() {
  return {
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
      {"GET", "/v1/pins", ApiRight::kRead, {}, "What the operator has set, and what is on hold.", HandlePins},
      {"POST",
       "/v1/pins",
       ApiRight::kChange,
       {"target", "status", "for", "why", "tell"},
       "Set what is held true of an address, or of a whole domain (\"@domain\"); it wins over everything.",
       HandleSet},
      {"DELETE", "/v1/pins", ApiRight::kChange, {"target"}, "Take that back.", HandleUnset},
      {"GET",
       "/v1/domains",
       ApiRight::kRead,
       {},
       "What is known of whole domains (catch-all, no such domain, ...); a line for each.",
       HandleDomains},
  };
}

}  // namespace verifyd
