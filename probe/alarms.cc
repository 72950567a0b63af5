#include "probe/alarms.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log.h"

namespace verifyd {

void Alarms::Raise(const std::string& about, absl::string_view line) {
  Alarm* const alarm = Find(about);
  if (alarm == nullptr) return;
  alarm->raised = clock_.Mono();
  alarm->line = std::string(line);
  if (Due(*alarm)) LogError(absl::StrCat("ALARM: ", line));
}

void Alarms::Warn(const std::string& about, absl::string_view line) {
  Alarm* const alarm = Find(about);
  if (alarm != nullptr && Due(*alarm)) LogWarning(line);
}

std::vector<std::string> Alarms::Standing() const {
  const MonoTime since = std::max(renewed_, clock_.Mono() + -kAgain);
  std::vector<std::string> lines;
  for (const auto& [about, alarm] : alarms_) {
    if (alarm.raised >= since && !alarm.line.empty()) lines.push_back(alarm.line);
  }
  return lines;
}

Alarms::Alarm* Alarms::Find(const std::string& about) {
  const MonoTime now = clock_.Mono();
  if (alarms_.size() >= kMax && !alarms_.contains(about)) {
    absl::erase_if(alarms_, [&](const auto& entry) { return now - *entry.second.said >= kAgain; });
    if (alarms_.size() >= kMax) return nullptr;
  }
  return &alarms_[about];
}

bool Alarms::Due(Alarm& alarm) const {
  const MonoTime now = clock_.Mono();
  if (alarm.said.has_value() && now - *alarm.said < kAgain) return false;
  alarm.said = now;
  return true;
}

}  // namespace verifyd
