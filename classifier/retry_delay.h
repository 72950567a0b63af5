// The retry delay: when a server that says "not yet" wants to be asked again, if its text says so ("try again in 5
// minutes", "retry in 300 seconds", "please wait 00:04:59").
//
// Thread: any (pure function).
#ifndef VERIFYD_CLASSIFIER_RETRY_DELAY_H_
#define VERIFYD_CLASSIFIER_RETRY_DELAY_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace verifyd {

// The longest delay that is believed; a longer one counts as this.
constexpr absl::Duration kLongestRetryDelay = absl::Hours(6);

// Returns nothing where the text names no time. Never less than a second. Linear in the length of `text`.
std::optional<absl::Duration> RetryDelayIn(absl::string_view text);

}  // namespace verifyd

#endif  // VERIFYD_CLASSIFIER_RETRY_DELAY_H_
