// Memory of an address or a domain, as the control socket shows it: records, facts of domains, pins. Texts are views of
// the values that are shown.
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_VERIFYD_JSON_SHOWN_RECORD_H_
#define VERIFYD_VERIFYD_JSON_SHOWN_RECORD_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/lifetime.h"
#include "cache/record.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {

// A finding, and what it makes of the address.
struct ShownStanding {
  absl::string_view status;
  Flat<ShownFinding> finding;
};
BOOST_DESCRIBE_STRUCT(ShownStanding, (), (status, finding))

// A line of the history.
struct ShownPast {
  absl::Time when = absl::InfinitePast();
  absl::string_view status;
  absl::string_view reason;
  absl::string_view scope;
  absl::string_view stage;
  Sparse<int> code;
};
BOOST_DESCRIBE_STRUCT(ShownPast, (), (when, status, reason, scope, stage, code))

// Everything held, and when it changes.
struct ShownRecord {
  Derived<absl::string_view> freshness;
  std::optional<ShownStanding> finding;
  std::optional<ShownStanding> pending;
  absl::Time first_seen = absl::InfinitePast();
  absl::Time last_positive = absl::InfinitePast();
  absl::Time first_temporary = absl::InfinitePast();
  Sparse<uint32_t> temporary_count;
  absl::Time negative_since = absl::InfinitePast();
  Derived<absl::Time> grace_until = absl::InfinitePast();
  absl::Time next_probe = absl::InfinitePast();  // where one is on the agenda
  Derived<absl::Time> refresh_at = absl::InfinitePast();
  Derived<absl::Time> expire_at = absl::InfinitePast();
  Derived<absl::Time> kept_until = absl::InfinitePast();
  std::vector<ShownPast> history;
};
BOOST_DESCRIBE_STRUCT(ShownRecord, (),
                      (freshness, finding, pending, first_seen, last_positive, first_temporary, temporary_count,
                       negative_since, grace_until, next_probe, refresh_at, expire_at, kept_until, history))

// A record and whose it is.
struct ShownEntry {
  absl::string_view address;
  std::optional<ShownRecord> record;
};
BOOST_DESCRIBE_STRUCT(ShownEntry, (), (address, record))

struct ShownDomain {
  absl::string_view domain;
  absl::string_view freshness;
  std::optional<ShownStanding> finding;  // where it decides about every address
  // The answers about random addresses give the domain its reason; its addresses have findings of their own.
  absl::string_view reason;
  absl::Time expire_at = absl::InfinitePast();
  absl::string_view catch_all;  // not_asked, yes, no, could_not_tell, inconsistent
  absl::Time catch_all_when = absl::InfinitePast();
  absl::string_view catch_all_at;
  absl::Time alive = absl::InfinitePast();
  std::optional<ShownStanding> pending;
};
BOOST_DESCRIBE_STRUCT(ShownDomain, (),
                      (domain, freshness, finding, reason, expire_at, catch_all, catch_all_when, catch_all_at, alive,
                       pending))

// The status of a hold.
constexpr absl::string_view kShownHold = "hold";

// The operator's word on an address, a domain or a destination, or that it is taken back.
struct ShownPin {
  absl::string_view target;
  absl::string_view status;  // deliverable, undeliverable, hold
  absl::Time set_at = absl::InfinitePast();
  absl::Time until = absl::InfinitePast();
  absl::string_view why;
  Sparse<bool> tell;
  Sparse<bool> unset;
  Sparse<bool> released;
};
BOOST_DESCRIBE_STRUCT(ShownPin, (), (target, status, set_at, until, why, tell, unset, released))

struct ShownPins {
  std::vector<ShownPin> pins;
};
BOOST_DESCRIBE_STRUCT(ShownPins, (), (pins))

// All that is held of an address, and what it is answered with.
struct ShownHeld {
  absl::string_view address;
  std::optional<ShownPin> pin;
  std::optional<ShownRecord> record;
  std::optional<ShownDomain> domain;
  std::optional<ShownVerdict> verdict;
  absl::string_view asked;  // where that was another spelling
};
BOOST_DESCRIBE_STRUCT(ShownHeld, (), (address, pin, record, domain, verdict, asked))

// The parts of memory that were deleted for an address.
struct ShownDeletion {
  absl::string_view address;
  std::vector<absl::string_view> deleted;            // record, domain
  Sparse<std::vector<absl::string_view>> spellings;  // other ones whose records went with it
};
BOOST_DESCRIBE_STRUCT(ShownDeletion, (), (address, deleted, spellings))

// The end of a page of records, and what became of them.
struct ShownPage {
  uint64_t examined = 0;
  absl::string_view next;  // where the next one begins
  // Where they were to be deleted.
  std::optional<uint64_t> matched;
  std::optional<uint64_t> deleted;
  Sparse<uint64_t> domains;
};
BOOST_DESCRIBE_STRUCT(ShownPage, (), (examined, next, matched, deleted, domains))

ShownRecord Shown(const Record& record, const Lifetimes& lifetimes, absl::Time now);
ShownDomain Shown(const DomainFact& fact, const Lifetimes& lifetimes, absl::Time now);
ShownPin Shown(const Pin& pin);
// `key` is in the form of Cache::ListPins.
ShownPin Shown(absl::string_view key, const Pin& pin);
// `target` is "@example.com", or the name of a destination that is on hold.
ShownPin Shown(absl::string_view target, const Hold& hold);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_SHOWN_RECORD_H_
