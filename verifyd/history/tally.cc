#include "verifyd/history/tally.h"

// Its functions are wanted inline.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "verifyd/history/tally_reader.h"
#include "verifyd/json/described.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// RFC 5321 allows 255 octets; a longer text is no domain, and is cut.
constexpr size_t kLongestDomain = 255;
// Nearly all addresses are shorter; longer ones are shown cut.
constexpr size_t kLongestAddress = 320;
// An answer that stays temporary for so long is a refusal that nobody has decided on.
constexpr absl::Duration kEndless = absl::Hours(24);

// A domain and a tally as a file has them.
struct KeptDomain {
  Always<absl::string_view> domain;
  ShownCounts counts;
  Sparse<bool> accepts_all;
  std::vector<uint64_t> accepted;
};
BOOST_DESCRIBE_STRUCT(KeptDomain, (), (domain, counts, accepts_all, accepted))

struct KeptTally {
  ShownCounts totals;
  uint64_t accepted_before = 0;
  std::vector<ShownReason> reasons;
  std::vector<KeptDomain> domains;
  std::vector<ShownAddressCount> addresses;
  std::vector<ShownAddressCount> asked;
  std::vector<ShownDeferred> deferred;
};
BOOST_DESCRIBE_STRUCT(KeptTally, (), (totals, accepted_before, reasons, domains, addresses, asked, deferred))

bool Refuses(DecisionWord word) { return word != DecisionWord::kDunno && word != DecisionWord::kNotKnown; }

ShownCounts Shown(const DecisionCounts& counts) {
  return {.dunno = counts[DecisionWord::kDunno],
          .reject = counts[DecisionWord::kReject],
          .defer = counts[DecisionWord::kDefer],
          .would_reject = counts[DecisionWord::kWouldReject],
          .would_defer = counts[DecisionWord::kWouldDefer],
          .not_known = counts[DecisionWord::kNotKnown]};
}

ShownReason Shown(absl::string_view name, const Tally::ReasonTally& reason) {
  ShownReason shown{.reason = name, .counts = Shown(reason.counts)};
  for (const Tally::Sample& sample : reason.samples) {
    shown.samples.push_back({.address = absl::string_view(sample.address),
                             .rule = absl::string_view(sample.rule),
                             .reply = absl::string_view(sample.reply),
                             .when = sample.when});
  }
  return shown;
}

// `number` is what is counted of the address.
ShownAddressCount Shown(absl::string_view address, std::optional<uint64_t> ShownAddressCount::*number,
                        const TopAddresses::Entry& entry) {
  ShownAddressCount shown{.address = address, .error = entry.error, .reason = entry.reason};
  shown.*number = entry.count;
  return shown;
}

std::vector<ShownDeferred> Shown(const absl::btree_map<std::string, absl::Time>& deferred) {
  std::vector<ShownDeferred> shown;
  for (const auto& [address, since] : deferred) {
    shown.push_back({.address = absl::string_view(address), .since = since});
  }
  return shown;
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

void DecisionCounts::Add(const DecisionCounts& other) {
  for (size_t i = 0; i < kDecisionWordCount; ++i) counts_[i] += other.counts_[i];
}

uint64_t DecisionCounts::total() const {
  uint64_t total = 0;
  for (const uint64_t count : counts_) total += count;
  return total;
}

uint64_t DecisionCounts::refused() const {
  return total() - (*this)[DecisionWord::kDunno] - (*this)[DecisionWord::kNotKnown];
}

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

void Tally::Count(const DecisionEntry& entry) {
  std::array<char, kLongestDomain> lowered;
  const size_t length = std::min(entry.domain.size(), lowered.size());
  std::transform(entry.domain.begin(), entry.domain.begin() + length, lowered.begin(),
                 [](char c) { return absl::ascii_tolower(static_cast<unsigned char>(c)); });
  Domain& domain = DomainOf(absl::string_view(lowered.data(), length));
  ReasonTally& reason = ReasonOf(entry.reason);
  ++counts_[entry.word];
  ++domain.counts[entry.word];
  ++reason.counts[entry.word];
  domain.accepts_all |= entry.accepts_all;
  if (entry.word != DecisionWord::kNotKnown) asked_.Add(Printable(entry.address, kLongestAddress), {.count = 1});
  if (Refuses(entry.word)) {
    CountRefused(entry, reason);
  } else if (entry.word == DecisionWord::kDunno) {
    const uint64_t hash = XXH3_64bits(entry.address.data(), entry.address.size());
    domain.accepted[hash % 4] |= uint64_t{1} << (hash >> 58);
  }
}

void Tally::CountRefused(const DecisionEntry& entry, ReasonTally& reason) {
  std::string address = Printable(entry.address, kLongestAddress);
  refused_.Add(address, {.count = 1, .reason = std::string(entry.reason)});
  if (entry.accepted_before) ++accepted_before_;
  if (entry.when - entry.deferred_since > kEndless) NoteDeferred(address, entry.deferred_since);
  const bool known = absl::c_any_of(reason.samples, [&](const Sample& s) { return s.reply == entry.reply; });
  if (known || entry.reply.empty() || reason.samples.size() >= kMostSamples) return;
  reason.samples.push_back({.address = std::move(address),
                            .rule = std::string(entry.rule),
                            .reply = std::string(entry.reply),
                            .when = entry.when});
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
  KeptTally kept{.totals = Shown(counts_), .accepted_before = accepted_before_, .deferred = Shown(deferred_)};
  for (const auto* entry : Sorted(reasons_, by_name)) kept.reasons.push_back(Shown(entry->first, entry->second));
  for (const auto* entry : Sorted(domains_, by_name)) {
    const auto& [name, domain] = *entry;
    kept.domains.push_back({.domain = absl::string_view(name),
                            .counts = Shown(domain.counts),
                            .accepts_all = domain.accepts_all,
                            .accepted = {domain.accepted.begin(), domain.accepted.end()}});
  }
  const auto all = [&](const TopAddresses& addresses, std::optional<uint64_t> ShownAddressCount::*number) {
    std::vector<ShownAddressCount> shown;
    for (const auto* entry : Sorted(addresses.entries(), by_name)) {
      shown.push_back(Shown(entry->first, number, entry->second));
    }
    return shown;
  };
  kept.addresses = all(refused_, &ShownAddressCount::refused);
  kept.asked = all(asked_, &ShownAddressCount::asked);
  return AsJson(kept);
}

absl::StatusOr<Tally> Tally::FromJson(const json::object& object) { return TallyReader(object).Read(); }

ShownTally Tally::Report() const {
  const auto refused = [](const auto& entry) { return entry.counts.refused(); };
  ShownTally shown{.totals = Shown(counts_),
                   .decisions = counts_.total(),
                   .refused_accepted_before = accepted_before_,
                   .deferred_without_end = Shown(deferred_)};
  for (const auto* entry : Sorted(reasons_, refused)) shown.reasons.push_back(Shown(entry->first, entry->second));
  for (const auto* entry : Sorted(domains_, refused)) {
    if (shown.domains.size() >= kReported) break;
    shown.domains.push_back({.domain = absl::string_view(entry->first), .counts = Shown(entry->second.counts)});
  }
  const auto most = [](const TopAddresses& addresses, std::optional<uint64_t> ShownAddressCount::*number) {
    std::vector<ShownAddressCount> first;
    for (const auto* entry : Sorted(addresses.entries(), [](const TopAddresses::Entry& e) { return e.count; })) {
      if (first.size() >= kReported) break;
      first.push_back(Shown(entry->first, number, entry->second));
    }
    return first;
  };
  shown.addresses = most(refused_, &ShownAddressCount::refused);
  shown.asked = most(asked_, &ShownAddressCount::asked);
  return shown;
}

}  // namespace verifyd
