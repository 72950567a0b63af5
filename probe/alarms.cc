#include "probe/alarms.h"

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace verifyd {

void Alarms::Raise(const std::string& about, absl::string_view line) {
  if (Due(about)) LogError(absl::StrCat("ALARM: ", line));
}

void Alarms::Warn(const std::string& about, absl::string_view line) {
  if (Due(about)) LogWarning(line);
}

bool Alarms::Due(const std::string& about) {
  const MonoTime now = clock_.Mono();
  if (said_.size() >= kMax) {
    absl::erase_if(said_, [&](const auto& entry) { return now - entry.second >= kAgain; });
    if (said_.size() >= kMax && !said_.contains(about)) return false;
  }
  const auto [entry, first] = said_.emplace(about, now);
  if (!first && now - entry->second < kAgain) return false;
  entry->second = now;
  return true;
}

}  // namespace verifyd
