// A record: what the cache holds about an address. cache/FORMAT.md documents its form on disk.
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_CACHE_RECORD_H_
#define VERIFYD_CACHE_RECORD_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/destination_state.h"
#include "mail/domain_fact.h"
#include "mail/finding.h"
#include "mail/probe_request.h"

namespace verifyd {

// One line of an address's history.
struct PastFinding {
  absl::Time when;
  Deliverability deliverability = Deliverability::kUnknown;
  Reason reason = Reason::kNone;
  Scope scope = Scope::kAddress;
  Stage stage = Stage::kRcpt;
  int code = 0;
  friend bool operator==(const PastFinding&, const PastFinding&) = default;
};

struct Record {
  static constexpr size_t kMaxHistory = 4;

  // The standing finding; its `when` is when it was last confirmed ("updated").
  Finding finding;
  // A definite finding that contradicts the standing one and waits for a second opinion.
  std::optional<Finding> pending;
  absl::Time first_seen = absl::InfinitePast();
  absl::Time last_positive = absl::InfinitePast();
  // Since when the standing finding is a negative one; InfinitePast where it is not.
  absl::Time negative_since = absl::InfinitePast();
  // Since when, and how often, only temporary answers came.
  absl::Time first_temporary = absl::InfinitePast();
  uint32_t temporary_count = 0;
  // Our identity when a retry was promised (greylisting).
  std::optional<ProbeIdentity> retry_identity;
  // When the next probe is due; InfiniteFuture: none is planned.
  absl::Time next_probe = absl::InfiniteFuture();
  // Returns true if the next probe is made whether or not somebody asks: a second opinion, or a retry that was
  // promised. Else `next_probe` only says when a question is worth a probe.
  bool on_agenda() const {
    return next_probe != absl::InfiniteFuture() && (pending.has_value() || retry_identity.has_value());
  }
  // Newest first.
  std::vector<PastFinding> history;

  friend bool operator==(const Record&, const Record&) = default;
};

struct NamedRecord {
  std::string key;  // of Address::Key
  Record record;
};

// A verdict set by the operator; kUnknown: the domain is on hold (it is not asked about, and what is known stays).
struct Pin {
  static std::string HoldKey(absl::string_view domain);  // no address has such a key

  Deliverability deliverability = Deliverability::kDeliverable;
  absl::Time set_at = absl::InfinitePast();
  absl::Time until = absl::InfiniteFuture();
  // The operator's note, printable, and whether clients are told it. Notes stored by versions without `tell` are for
  // the operator alone.
  std::string why;
  bool tell = false;
  friend bool operator==(const Pin&, const Pin&) = default;
};

// Values in the form of the store, with their checksum. Decoding fails with DataLoss and says what is wrong; it never
// reads beyond `bytes`.
std::string EncodeRecord(const Record& record);
absl::StatusOr<Record> DecodeRecord(absl::string_view bytes);
std::string EncodeDomainFact(const DomainFact& fact);
absl::StatusOr<DomainFact> DecodeDomainFact(absl::string_view domain, absl::string_view bytes);
std::string EncodeDestinationState(const DestinationState& state);
absl::StatusOr<DestinationState> DecodeDestinationState(absl::string_view name, absl::string_view bytes);
// `key`: the one in the store, DomainBreakerKey.
std::string EncodeDomainBreaker(const DomainBreaker& breaker);
absl::StatusOr<DomainBreaker> DecodeDomainBreaker(absl::string_view key, absl::string_view bytes);
std::string DomainBreakerKey(absl::string_view destination, absl::string_view domain);
std::string EncodePin(const Pin& pin);
absl::StatusOr<Pin> DecodePin(absl::string_view bytes);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_RECORD_H_
