// The part of a destination's state that is worth keeping over a restart, and that of one domain at a destination. The
// destination itself (probe/destination.h) uses it; the cache keeps it.
//
// Thread: any (a value, posted between loops).
#ifndef VERIFYD_MAIL_DESTINATION_STATE_H_
#define VERIFYD_MAIL_DESTINATION_STATE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/finding.h"

namespace verifyd {

struct RestingSource {
  std::string source_address;
  absl::Time until;
  friend bool operator==(const RestingSource&, const RestingSource&) = default;
};

// Why the refusals of a destination are not believed. The numbers are written into the store: only append.
enum class Doubt : uint8_t {
  kNone = 0,
  kNeverAccepted = 1,  // a configured route that has never accepted anybody
  kCanaryRefused = 2,  // it refuses an address that must exist
  kManyRefused = 3,    // many addresses it used to accept are refused at once
};

struct Trust {
  absl::Time last_accepted = absl::InfinitePast();
  Doubt doubt = Doubt::kNone;
  absl::Time doubted_since = absl::InfinitePast();  // where there is a doubt
  std::string why;                                  // likewise, printable
  friend bool operator==(const Trust&, const Trust&) = default;
};

// Names that are longer, a destination's and a domain's together, are not kept.
constexpr size_t kMaxStateName = 450;

// The trouble that a breaker has met (probe/breaker.h).
struct BreakerState {
  // Consecutive failures to hold a conversation, and the last of them.
  uint32_t failures = 0;
  Reason last_failure = Reason::kNone;
  absl::Time last_failure_when = absl::InfinitePast();
  absl::Time last_success = absl::InfinitePast();
  // While the breaker is open, no question goes to the destination; InfinitePast: closed. `open_reason` says what
  // opened it.
  absl::Time open_until = absl::InfinitePast();
  Reason open_reason = Reason::kNone;
  // Pause before the next trial, grown at each failed one.
  absl::Duration back_off = absl::ZeroDuration();

  friend bool operator==(const BreakerState&, const BreakerState&) = default;
};

struct DestinationState {
  // In front of the name of a destination of the operator's that could be that of an exchange.
  static constexpr absl::string_view kSmtpMark = "smtp:";

  std::string name;
  BreakerState breaker;
  // The pace that the destination has shown to bear: addresses asked about a second; 0: not known.
  double questions_per_second = 0;
  std::vector<RestingSource> resting;
  // The operator wants no question to go to the destination until then; InfinitePast: no such wish.
  absl::Time held_until = absl::InfinitePast();
  // The operator's note on that, printable. Only the api changes it (verifyd/api/destination_routes.cc).
  std::string held_why;
  // Only the guard changes it (verifyd/verifier/guard.h); the prober passes it on as it is.
  Trust trust;

  friend bool operator==(const DestinationState&, const DestinationState&) = default;
};

// One domain at a destination.
struct DomainBreaker {
  std::string destination;
  std::string domain;
  BreakerState breaker;
  // The guard's, as that of the destination.
  Trust trust;

  // As the operator reads and writes it: "mx.example.com example.org".
  std::string Name() const { return absl::StrCat(destination, " ", domain); }
  // Destination and domain of such a name. Nothing: it is the name of a whole destination. These have blanks, too:
  // behind the commas of a list of next hops, and in the path of a socket.
  static std::optional<std::pair<absl::string_view, absl::string_view>> SplitName(absl::string_view name) {
    const size_t blank = name.rfind(' ');
    if (blank == absl::string_view::npos || blank == 0 || name[blank - 1] == ',') return std::nullopt;
    const absl::string_view domain = name.substr(blank + 1);
    if (domain.find('/') != absl::string_view::npos || domain.find('.') == absl::string_view::npos) return std::nullopt;
    return std::pair(name.substr(0, blank), domain);
  }
  friend bool operator==(const DomainBreaker&, const DomainBreaker&) = default;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_DESTINATION_STATE_H_
