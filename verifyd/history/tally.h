// A tally of what was decided in an hour, or in many: numbers by word, by reason and by domain, the addresses that
// were asked about and refused most, and for each reason some replies of servers.
//
// Bounded whatever clients send: beyond kMostDomains and kMostReasons the rest counts as kOthers. Addresses are counted
// by a space-saving sketch (Metwally et al., 2005), whose numbers may be too high by `error`, never too low.
//
// Thread: any (a value).
#ifndef VERIFYD_VERIFYD_HISTORY_TALLY_H_
#define VERIFYD_VERIFYD_HISTORY_TALLY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/json/fwd.hpp"
#include "verifyd/history/decision_word.h"
#include "verifyd/history/shown_report.h"
#include "verifyd/history/top_addresses.h"

namespace verifyd {

// The number of decisions of each word.
class DecisionCounts {
 public:
  uint64_t& operator[](DecisionWord word) { return counts_[static_cast<size_t>(word)]; }
  uint64_t operator[](DecisionWord word) const { return counts_[static_cast<size_t>(word)]; }
  void Add(const DecisionCounts& other);
  uint64_t total() const;
  // Refused or deferred, in earnest or not.
  uint64_t refused() const;

 private:
  std::array<uint64_t, kDecisionWordCount> counts_ = {};
};

// One decision, as the record counts it. The views are read only while it is counted.
struct DecisionEntry {
  DecisionWord word = DecisionWord::kDunno;
  absl::string_view reason;
  absl::string_view domain;   // upper or lower case
  absl::string_view address;  // as the client wrote it
  absl::string_view rule;
  absl::string_view reply;  // the server's, or what happened in its place; printable
  absl::Time when;
  bool accepts_all = false;      // the domain is known to accept every address
  bool accepted_before = false;  // the address was there once
  // The address has had temporary answers only since then; InfiniteFuture: it has not.
  absl::Time deferred_since = absl::InfiniteFuture();
};

class Tally {
 public:
  static constexpr size_t kMostDomains = 1000;
  static constexpr size_t kMostReasons = 200;
  static constexpr size_t kMostSamples = 3;
  static constexpr size_t kMostDeferred = 20;
  // The name of all that has no room of its own.
  static constexpr char kOthers[] = "(others)";

  struct Domain {
    DecisionCounts counts;
    bool accepts_all = false;
    // Different addresses that were accepted, by linear counting: a bit for each, at its hash.
    std::array<uint64_t, 4> accepted = {};

    // An estimate; beyond some 1000 it is too low.
    double different_accepted() const;
    void Add(const Domain& other);
  };
  struct Sample {
    std::string address;
    std::string rule;
    std::string reply;
    absl::Time when;
  };
  struct ReasonTally {
    DecisionCounts counts;
    std::vector<Sample> samples;
  };

  void Count(const DecisionEntry& entry);
  void Add(const Tally& other);
  // Keeps only the `most` domains with the highest numbers, half of them by refusals; the rest goes to kOthers.
  void Shrink(size_t most);

  const DecisionCounts& counts() const { return counts_; }
  uint64_t accepted_before() const { return accepted_before_; }
  const absl::flat_hash_map<std::string, Domain>& domains() const { return domains_; }
  const absl::flat_hash_map<std::string, ReasonTally>& reasons() const { return reasons_; }
  const TopAddresses& refused() const { return refused_; }
  const TopAddresses& asked() const { return asked_; }
  // Addresses that are deferred without end, and since when.
  const absl::btree_map<std::string, absl::Time>& deferred() const { return deferred_; }

  // Everything, for files.
  boost::json::object ToJson() const;
  // Reads it back; InvalidArgument where it is not what ToJson writes. Bounded whatever it is given.
  static absl::StatusOr<Tally> FromJson(const boost::json::object& object);
  // For people and their programs: sorted, highest numbers first, kReported domains and addresses at most.
  static constexpr size_t kReported = 100;
  // Its texts are views of the tally.
  ShownTally Report() const;

 private:
  friend class TallyReader;

  Domain& DomainOf(absl::string_view name);
  ReasonTally& ReasonOf(absl::string_view name);
  void CountRefused(const DecisionEntry& entry, ReasonTally& reason);
  void NoteDeferred(absl::string_view address, absl::Time since);

  DecisionCounts counts_;
  uint64_t accepted_before_ = 0;
  absl::flat_hash_map<std::string, Domain> domains_;
  absl::flat_hash_map<std::string, ReasonTally> reasons_;
  TopAddresses refused_;
  TopAddresses asked_;
  absl::btree_map<std::string, absl::Time> deferred_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_TALLY_H_
