#include "classifier/retry_delay.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "re2/re2.h"

namespace verifyd {
namespace {

std::optional<absl::Duration> Believed(absl::Duration delay) {
  return std::clamp(delay, absl::Seconds(1), kLongestRetryDelay);
}

absl::Duration UnitOf(char letter) {
  switch (letter) {
    case 'h':
    case 'H':
      return absl::Hours(1);
    case 'm':
    case 'M':
      return absl::Minutes(1);
    default:
      return absl::Seconds(1);
  }
}

}  // namespace

std::optional<absl::Duration> RetryDelayIn(absl::string_view text) {
  // Finds "00:04:59", "4:59". A word that speaks of waiting must come first: replies also carry times of day.
  static const RE2* const kClock = new RE2(
      R"((?i)\b(?:wait|again|retry|back|in|after|for|remaining)\b[^0-9]{0,40}\b(\d{1,2}):(\d{2})(?::(\d{2}))?\b)");
  // Finds "5 minutes", "300s", "300 secs". The unit must end there, so that "4 messages" are not four minutes.
  static const RE2* const kAmount = new RE2(
      R"((?i)\b(\d{1,6}) ?(?:(s)|(s)ec(?:ond)?s?|(m)in(?:ute)?s?|(h)(?:ou)?rs?|(s)ekunden?|(m)inuten?|(h)eures?)\b)");
  const re2::StringPiece input(text.data(), text.size());
  int first = 0;
  int second = 0;
  std::string third;
  if (RE2::PartialMatch(input, *kClock, &first, &second, &third)) {
    if (third.empty()) return Believed(absl::Minutes(first) + absl::Seconds(second));
    return Believed(absl::Hours(first) + absl::Minutes(second) + absl::Seconds(std::stoi(third)));
  }
  int64_t amount = 0;
  std::string units[7];
  if (!RE2::PartialMatch(input, *kAmount, &amount, &units[0], &units[1], &units[2], &units[3], &units[4], &units[5],
                         &units[6])) {
    return std::nullopt;
  }
  for (const std::string& unit : units) {
    if (!unit.empty()) return Believed(amount * UnitOf(unit[0]));
  }
  return std::nullopt;
}

}  // namespace verifyd
