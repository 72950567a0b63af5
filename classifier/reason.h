// The table of reasons: the meaning of each, whom it is about, when to ask again, how long it is remembered, and what
// an MTA is told by default. The table in reason.cc, one row a reason, is the only place that says this.
//
// Thread: any (constant data).
#ifndef VERIFYD_CLASSIFIER_REASON_H_
#define VERIFYD_CLASSIFIER_REASON_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "mail/finding.h"

namespace verifyd {

// When to ask again, and what must be different then.
enum class RetryClass : uint8_t {
  kNever,
  kRefresh,  // at the record's refresh time
  kDnsTtl,   // when DNS may have changed
  kSoon,     // in minutes: greylisting and its like
  kLater,    // after a while
  kBackoff,  // slower
  kNextMx,   // at another MX
  kNowNewSession,
  kNowWithTls,
  kNowWithSmtputf8,
  kOtherSourceIp,
  kOtherSender,
  kOperator,  // only when somebody has repaired something
};

// The lifetimes of a finding.
enum class CacheClass : uint8_t {
  kPositive,
  kPositiveShort,
  kNegative,
  kNegativeShort,
  kTemporary,
  kSchedule,  // as temporary, with a retry on the agenda
  kDomainPositive,
  kDomainShort,
  kDomainNegative,
  kMxBackoff,  // nothing about the address; the destination is asked more slowly
  kMxBlock,    // nothing about the address; the destination is left alone for a while
  kCircuitOpen,
};

// The default answer to an MTA.
enum class DefaultDecision : uint8_t { kPermit, kDefer, kReject };

struct ReasonRow {
  Reason reason;
  absl::string_view name;
  Deliverability deliverability;
  Scope scope;
  RetryClass retry;
  CacheClass cache_class;
  DefaultDecision inbound;   // recipients of our own domains
  DefaultDecision sender;    // senders
  DefaultDecision outbound;  // recipients elsewhere
};

// Returns the row of `reason`. Reason::kNone has none and must not be asked for (CHECKed).
const ReasonRow& RowOf(Reason reason);
// Returns true if something is wrong on our side and the operator has to repair it. No mail is deferred for that, and
// nobody outside is told about it.
bool IsOwnTrouble(Reason reason);
// Returns the status that people are told. Where everybody is accepted, an address is kept as a positive so that one
// refusal does not overturn it, but that positive says little.
Deliverability ShownDeliverability(Deliverability kept, Reason reason);
// Returns "no_such_user"; "none" for Reason::kNone.
absl::string_view ReasonName(Reason reason);
std::optional<Reason> ReasonFromName(absl::string_view name);

// Return the words of the table: "now-new-session", "mx_block".
absl::string_view RetryClassName(RetryClass retry);
absl::string_view CacheClassName(CacheClass cache_class);

}  // namespace verifyd

#endif  // VERIFYD_CLASSIFIER_REASON_H_
