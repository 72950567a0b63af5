// A verdict: the finding that is held true of an address now, and its source.
//
// Thread: any (a value).
#ifndef VERIFYD_MAIL_VERDICT_H_
#define VERIFYD_MAIL_VERDICT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "mail/finding.h"
#include "mail/probe_outcome.h"

namespace verifyd {

enum class VerdictSource : uint8_t {
  kNothing,     // nothing is known, and nothing was asked or the answer is still out
  kPin,         // the operator said so
  kDomainFact,  // it holds for the whole domain
  kRecord,      // remembered from an earlier probe
  kProbe,       // found out just now
};

enum class VerdictState : uint8_t {
  kKnown,          // `finding` is held true
  kInProgress,     // a probe is in the air; patience ended first (or there was none)
  kNotCached,      // memory has nothing and no probe was wanted
  kNotVerifiable,  // the address is not one that verifyd may or can ask about; `finding.text` says why
};

struct Verdict {
  VerdictState state = VerdictState::kNotCached;
  VerdictSource source = VerdictSource::kNothing;
  Finding finding;
  // How long ago a record's finding was made. Zero for a fresh one.
  absl::Duration age = absl::ZeroDuration();
  // The address existed not long ago: it is only deferred for now.
  bool grace = false;
  // Whether the address was ever accepted, as far as memory goes. Nothing: nobody has looked.
  std::optional<bool> accepted_before;
  // Since when there were only temporary answers; InfiniteFuture: not the case.
  absl::Time deferred_since = absl::InfiniteFuture();
  // Memory answered although a refresh is due; one is under way.
  bool refreshing = false;
  // The asker (Question::asker) whose budget forbade the probe. It does not bind other askers.
  std::optional<uint64_t> declined_for;
  // Filled when the question asked for it and a probe answered it.
  std::vector<DialogueLine> dialogue;

  Deliverability deliverability() const {
    return state == VerdictState::kKnown ? finding.deliverability : Deliverability::kUnknown;
  }
};

absl::string_view VerdictSourceName(VerdictSource source);  // "none", "pin", "domain", "cache", "probe"

}  // namespace verifyd

#endif  // VERIFYD_MAIL_VERDICT_H_
