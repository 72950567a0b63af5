#include "probe/dead_hosts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

std::string KeyOf(const Endpoint& endpoint) {
  return endpoint.path.empty() ? absl::StrCat(endpoint.address, " ", endpoint.port) : endpoint.path;
}

}  // namespace

void DeadHosts::NoteDead(const Endpoint& endpoint, MonoTime now) {
  if (dead_.size() >= kMaxHosts && !dead_.contains(KeyOf(endpoint))) {
    // Do not search all for each new host: a wildcard zone brings thousands.
    if (now < looked_ + kFirstPause) return;
    looked_ = now;
    absl::erase_if(dead_, [now](const auto& entry) { return entry.second.until <= now; });
    if (dead_.size() >= kMaxHosts) return;
  }
  const auto [death, first] = dead_.try_emplace(KeyOf(endpoint), Death{now, absl::ZeroDuration()});
  const absl::Duration pause = std::clamp(2 * death->second.pause, kFirstPause, kLongestPause);
  death->second = {now + pause, pause};
}

void DeadHosts::NoteAlive(const Endpoint& endpoint) {
  if (!dead_.empty()) dead_.erase(KeyOf(endpoint));
}

bool DeadHosts::Dead(const Endpoint& endpoint, MonoTime now) {
  if (dead_.empty()) return false;
  const auto death = dead_.find(KeyOf(endpoint));
  if (death == dead_.end()) return false;
  if (now < death->second.until) return true;
  death->second.until = now + kFirstPause;
  return false;
}

}  // namespace verifyd
