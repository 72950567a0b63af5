#include "verifyd/history/tally.h"

// Its functions are wanted inline.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "verifyd/history/tally_reader.h"
#include "verifyd/json/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// RFC 5321 allows 255 octets; a longer text is no domain, and is cut.
constexpr size_t kLongestDomain = 255;
// Nearly all addresses are shorter; longer ones are shown cut.
constexpr size_t kLongestAddress = 320;
// An answer that stays temporary for so long is a refusal that nobody has decided on.
constexpr absl::Duration kEndless = absl::Hours(24);

bool Refuses(Action action) { return action != Action::kDunno && action != Action::kNotKnown; }

json::object CountsToJson(const ActionCounts& counts) {
  json::object object;
  for (size_t i = 0; i < kActionCount; ++i) {
    const auto action = static_cast<Action>(i);
    const absl::string_view name = ActionName(action);
    object[{name.data(), name.size()}] = counts[action];
  }
  return object;
}

json::object SampleToJson(const Tally::Sample& sample) {
  return {{"address", JsonText(sample.address)},
          {"rule", JsonText(sample.rule)},
          {"reply", JsonText(sample.reply)},
          {"when", ToJson(sample.when)}};
}

json::object ReasonToJson(absl::string_view name, const Tally::ReasonTally& reason) {
  json::array samples;
  for (const Tally::Sample& sample : reason.samples) samples.push_back(SampleToJson(sample));
  return {{"reason", JsonText(name)}, {"counts", CountsToJson(reason.counts)}, {"samples", std::move(samples)}};
}

// `counted` is the name of the number.
json::object AddressToJson(absl::string_view address, absl::string_view counted, const TopAddresses::Entry& entry) {
  json::object object = {{"address", JsonText(address)}};
  object[{counted.data(), counted.size()}] = entry.count;
  object["error"] = entry.error;
  if (!entry.reason.empty()) object["reason"] = JsonText(entry.reason);
  return object;
}

json::array DeferredToJson(const absl::btree_map<std::string, absl::Time>& deferred) {
  json::array array;
  for (const auto& [address, since] : deferred) {
    array.push_back({{"address", JsonText(address)}, {"since", ToJson(since)}});
  }
  return array;
}

// Returns the entries of a map, the highest weights first; those of equal weight are sorted by name.
template <typename Map, typename Weight>
std::vector<const typename Map::value_type*> Sorted(const Map& map, Weight weight) {
  std::vector<const typename Map::value_type*> sorted;
  sorted.reserve(map.size());
  for (const auto& entry : map) sorted.push_back(&entry);
  absl::c_sort(sorted, [&](const auto* a, const auto* b) {
    const auto of_a = weight(a->second);
    const auto of_b = weight(b->second);
    return of_a != of_b ? of_a > of_b : a->first < b->first;
  });
  return sorted;
}

}  // namespace

absl::string_view ActionName(Action action) {
  static constexpr std::array<absl::string_view, kActionCount> kNames = {"dunno",        "reject",      "defer",
                                                                         "would_reject", "would_defer", "not_known"};
  return kNames[static_cast<size_t>(action)];
}

void ActionCounts::Add(const ActionCounts& other) {
  for (size_t i = 0; i < kActionCount; ++i) counts_[i] += other.counts_[i];
}

uint64_t ActionCounts::total() const {
  uint64_t total = 0;
  for (const uint64_t count : counts_) total += count;
  return total;
}

uint64_t ActionCounts::refused() const { return total() - (*this)[Action::kDunno] - (*this)[Action::kNotKnown]; }

double Tally::Domain::different_accepted() const {
  int set = 0;
  for (const uint64_t word : accepted) set += std::popcount(word);
  constexpr double kBits = 256;
  return -kBits * std::log(std::max(kBits - set, 1.0) / kBits);
}

void Tally::Domain::Add(const Domain& other) {
  counts.Add(other.counts);
  accepts_all |= other.accepts_all;
  for (size_t i = 0; i < accepted.size(); ++i) accepted[i] |= other.accepted[i];
}

Tally::Domain& Tally::DomainOf(absl::string_view name) {
  if (const auto found = domains_.find(name); found != domains_.end()) return found->second;
  return domains_.size() < kMostDomains ? domains_[Printable(name, kLongestDomain)] : domains_[kOthers];
}

Tally::ReasonTally& Tally::ReasonOf(absl::string_view name) {
  if (const auto found = reasons_.find(name); found != reasons_.end()) return found->second;
  return reasons_.size() < kMostReasons ? reasons_[std::string(name)] : reasons_[kOthers];
}

void Tally::Count(const Decided& decided) {
  std::array<char, kLongestDomain> lowered;
  const size_t length = std::min(decided.domain.size(), lowered.size());
  std::transform(decided.domain.begin(), decided.domain.begin() + length, lowered.begin(),
                 [](char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); });
  Domain& domain = DomainOf(absl::string_view(lowered.data(), length));
  ReasonTally& reason = ReasonOf(decided.reason);
  ++counts_[decided.action];
  ++domain.counts[decided.action];
  ++reason.counts[decided.action];
  domain.accepts_all |= decided.accepts_all;
  if (decided.action != Action::kNotKnown) asked_.Add(Printable(decided.address, kLongestAddress), {.count = 1});
  if (Refuses(decided.action)) {
    CountRefused(decided, reason);
  } else if (decided.action == Action::kDunno) {
    const uint64_t hash = XXH3_64bits(decided.address.data(), decided.address.size());
    domain.accepted[hash % 4] |= uint64_t{1} << (hash >> 58);
  }
}

void Tally::CountRefused(const Decided& decided, ReasonTally& reason) {
  std::string address = Printable(decided.address, kLongestAddress);
  refused_.Add(address, {.count = 1, .reason = std::string(decided.reason)});
  if (decided.accepted_before) ++accepted_before_;
  if (decided.when - decided.deferred_since > kEndless) NoteDeferred(address, decided.deferred_since);
  const bool known = absl::c_any_of(reason.samples, [&](const Sample& s) { return s.reply == decided.reply; });
  if (known || decided.reply.empty() || reason.samples.size() >= kMostSamples) return;
  reason.samples.push_back({.address = std::move(address),
                            .rule = std::string(decided.rule),
                            .reply = std::string(decided.reply),
                            .when = decided.when});
}

void Tally::NoteDeferred(absl::string_view address, absl::Time since) {
  const auto found = deferred_.find(address);
  if (found != deferred_.end()) {
    found->second = std::min(found->second, since);
  } else if (deferred_.size() < kMostDeferred) {
    deferred_.emplace(address, since);
  }
}

void Tally::Add(const Tally& other) {
  counts_.Add(other.counts_);
  accepted_before_ += other.accepted_before_;
  for (const auto& [name, domain] : other.domains_) DomainOf(name).Add(domain);
  for (const auto& [name, reason] : other.reasons_) {
    ReasonTally& sum = ReasonOf(name);
    sum.counts.Add(reason.counts);
    for (const Sample& sample : reason.samples) {
      if (sum.samples.size() >= kMostSamples) break;
      const bool known = absl::c_any_of(sum.samples, [&](const Sample& s) { return s.reply == sample.reply; });
      if (!known) sum.samples.push_back(sample);
    }
  }
  for (const auto& [address, entry] : other.refused_.entries()) refused_.Add(address, entry);
  for (const auto& [address, entry] : other.asked_.entries()) asked_.Add(address, entry);
  for (const auto& [address, since] : other.deferred_) NoteDeferred(address, since);
}

void Tally::Shrink(size_t most) {
  if (domains_.size() <= most) return;
  absl::flat_hash_map<std::string, Domain> kept;
  const auto keep = [&](const auto& sorted, size_t number) {
    for (size_t i = 0; i < sorted.size() && kept.size() < number; ++i) kept.insert(*sorted[i]);
  };
  keep(Sorted(domains_, [](const Domain& domain) { return domain.counts.refused(); }), most / 2);
  keep(Sorted(domains_, [](const Domain& domain) { return domain.counts.total(); }), most);
  Domain others;
  for (const auto& [name, domain] : domains_) {
    if (!kept.contains(name)) others.Add(domain);
  }
  kept[kOthers].Add(others);
  domains_ = std::move(kept);
}

// Sorts by name, so that equal tallies are written alike.
json::object Tally::ToJson() const {
  const auto by_name = [](const auto& /*value*/) { return 0; };
  json::array domains;
  for (const auto* entry_of : Sorted(domains_, by_name)) {
    const auto& [name, domain] = *entry_of;
    json::object entry = {{"domain", JsonText(name)}, {"counts", CountsToJson(domain.counts)}};
    if (domain.accepts_all) entry["accepts_all"] = true;
    json::array bits;
    for (const uint64_t word : domain.accepted) bits.emplace_back(word);
    entry["accepted"] = std::move(bits);
    domains.push_back(std::move(entry));
  }
  json::array reasons;
  for (const auto* entry : Sorted(reasons_, by_name)) reasons.push_back(ReasonToJson(entry->first, entry->second));
  const auto all = [&](const TopAddresses& addresses, absl::string_view counted) {
    json::array array;
    for (const auto* entry : Sorted(addresses.entries(), by_name)) {
      array.push_back(AddressToJson(entry->first, counted, entry->second));
    }
    return array;
  };
  return {{"totals", CountsToJson(counts_)},       {"accepted_before", accepted_before_},
          {"reasons", std::move(reasons)},         {"domains", std::move(domains)},
          {"addresses", all(refused_, "refused")}, {"asked", all(asked_, "asked")},
          {"deferred", DeferredToJson(deferred_)}};
}

absl::StatusOr<Tally> Tally::FromJson(const json::object& object) { return TallyReader(object).Read(); }

json::object Tally::Report() const {
  const auto refused = [](const auto& entry) { return entry.counts.refused(); };
  json::array reasons;
  for (const auto* entry : Sorted(reasons_, refused)) reasons.push_back(ReasonToJson(entry->first, entry->second));
  json::array domains;
  for (const auto* entry : Sorted(domains_, refused)) {
    if (domains.size() >= kReported) break;
    domains.push_back({{"domain", JsonText(entry->first)}, {"counts", CountsToJson(entry->second.counts)}});
  }
  const auto most = [](const TopAddresses& addresses, absl::string_view counted) {
    json::array array;
    for (const auto* entry : Sorted(addresses.entries(), [](const TopAddresses::Entry& e) { return e.count; })) {
      if (array.size() >= kReported) break;
      array.push_back(AddressToJson(entry->first, counted, entry->second));
    }
    return array;
  };
  return {{"totals", CountsToJson(counts_)},
          {"decisions", counts_.total()},
          {"refused_accepted_before", accepted_before_},
          {"reasons", std::move(reasons)},
          {"domains", std::move(domains)},
          {"addresses", most(refused_, "refused")},
          {"asked", most(asked_, "asked")},
          {"deferred_without_end", DeferredToJson(deferred_)}};
}

}  // namespace verifyd
