// The report of the decision record, of a replay, and the part of it for `verifyctl top`, as the control socket shows
// them. Texts are views of what is shown.
//
// Thread: any (values).
#ifndef VERIFYD_VERIFYD_HISTORY_SHOWN_REPORT_H_
#define VERIFYD_VERIFYD_HISTORY_SHOWN_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/json/described.h"

namespace verifyd {

// How often each word was decided (decision_word.h).
struct ShownCounts {
  uint64_t dunno = 0;
  uint64_t reject = 0;
  uint64_t defer = 0;
  uint64_t would_reject = 0;
  uint64_t would_defer = 0;
  uint64_t not_known = 0;

  // Refused or deferred, in earnest or not.
  uint64_t refused() const { return reject + defer + would_reject + would_defer; }
};
BOOST_DESCRIBE_STRUCT(ShownCounts, (), (dunno, reject, defer, would_reject, would_defer, not_known))

struct ShownSample {
  Always<absl::string_view> address;
  Always<absl::string_view> rule;
  Always<absl::string_view> reply;
  absl::Time when = absl::InfinitePast();
};
BOOST_DESCRIBE_STRUCT(ShownSample, (), (address, rule, reply, when))

struct ShownReason {
  Always<absl::string_view> reason;
  ShownCounts counts;
  std::vector<ShownSample> samples;
};
BOOST_DESCRIBE_STRUCT(ShownReason, (), (reason, counts, samples))

struct ShownDomainCounts {
  Always<absl::string_view> domain;
  ShownCounts counts;
};
BOOST_DESCRIBE_STRUCT(ShownDomainCounts, (), (domain, counts))

// How often an address was refused, or asked about.
struct ShownAddressCount {
  Always<absl::string_view> address;
  std::optional<uint64_t> refused;
  std::optional<uint64_t> asked;
  uint64_t error = 0;  // so much less it may be
  absl::string_view reason;
};
BOOST_DESCRIBE_STRUCT(ShownAddressCount, (), (address, refused, asked, error, reason))

struct ShownDeferred {
  Always<absl::string_view> address;
  absl::Time since = absl::InfinitePast();
};
BOOST_DESCRIBE_STRUCT(ShownDeferred, (), (address, since))

struct ShownTally {
  ShownCounts totals;
  uint64_t decisions = 0;
  uint64_t refused_accepted_before = 0;
  // Highest numbers first.
  std::vector<ShownReason> reasons;
  std::vector<ShownDomainCounts> domains;
  std::vector<ShownAddressCount> addresses;  // refused
  std::vector<ShownAddressCount> asked;
  std::vector<ShownDeferred> deferred_without_end;
};
BOOST_DESCRIBE_STRUCT(ShownTally, (),
                      (totals, decisions, refused_accepted_before, reasons, domains, addresses, asked,
                       deferred_without_end))

struct ShownNotice {
  absl::string_view kind;
  absl::string_view about;
  absl::string_view text;
};
BOOST_DESCRIBE_STRUCT(ShownNotice, (), (kind, about, text))

struct ShownReport {
  // Only in a report of the decision record.
  absl::Time from = absl::InfinitePast();
  absl::Time until = absl::InfinitePast();
  std::string kept;  // where more was asked for than is kept
  // Only in a report of a replay.
  std::optional<uint64_t> requests;
  std::optional<uint64_t> malformed;
  Flat<ShownTally> tally;
  std::optional<std::vector<ShownNotice>> notices;  // of the decision record
};
BOOST_DESCRIBE_STRUCT(ShownReport, (), (from, until, kept, requests, malformed, tally, notices))

// The first addresses of a report.
struct ShownTop {
  absl::Time from = absl::InfinitePast();
  absl::Time until = absl::InfinitePast();
  std::string kept;
  std::vector<ShownAddressCount> asked;
  std::vector<ShownAddressCount> refused;
};
BOOST_DESCRIBE_STRUCT(ShownTop, (), (from, until, kept, asked, refused))

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_SHOWN_REPORT_H_
