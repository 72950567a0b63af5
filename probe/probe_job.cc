#include "probe/probe_job.h"

namespace verifyd {

std::optional<size_t> ProbeJob::NextServer() const {
  for (size_t i = 0; i < route.endpoints.size(); ++i) {
    if (!tried[i]) return i;
  }
  return std::nullopt;
}

std::optional<size_t> ProbeJob::ServerAt(const Endpoint& endpoint) const {
  const std::optional<size_t> next = NextServer();
  if (!next.has_value()) return std::nullopt;
  for (size_t i = *next; i < route.endpoints.size(); ++i) {
    const Endpoint& candidate = route.endpoints[i];
    if (candidate.preference != route.endpoints[*next].preference) break;
    if (!tried[i] && candidate == endpoint) return i;
  }
  return std::nullopt;
}

}  // namespace verifyd
