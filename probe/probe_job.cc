#include "probe/probe_job.h"

#include "absl/strings/match.h"

namespace verifyd {

void ProbeJob::NoteTried(const Endpoint& endpoint) {
  for (size_t i = 0; i < route.endpoints.size(); ++i) {
    if (route.endpoints[i] == endpoint) tried[i] = true;
  }
}

std::optional<size_t> ProbeJob::NextServer() const {
  for (size_t i = 0; i < route.endpoints.size(); ++i) {
    if (!tried[i]) return i;
  }
  return std::nullopt;
}

std::vector<Endpoint> ProbeJob::NextEndpoints() const {
  const auto is_ipv6 = [](const Endpoint& endpoint) { return absl::StrContains(endpoint.address, ':'); };
  const size_t next = *NextServer();
  std::vector<Endpoint> endpoints = {route.endpoints[next]};
  for (size_t i = next + 1; i < route.endpoints.size(); ++i) {
    const Endpoint& other = route.endpoints[i];
    if (other.preference != endpoints.front().preference) break;
    if (tried[i] || is_ipv6(other) == is_ipv6(endpoints.front())) continue;
    endpoints.push_back(other);
    break;
  }
  return endpoints;
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
