#include "probe/source_pool.h"

#include <algorithm>

namespace verifyd {

std::string SourcePool::Next(const std::string& provider, const std::vector<std::string>& addresses, absl::Time now) {
  if (addresses.empty()) return "";
  ++turn_;
  for (size_t i = 0; i < addresses.size(); ++i) {
    const std::string& address = addresses[(turn_ + i) % addresses.size()];
    if (!resting(provider, address, now)) return address;
  }
  return addresses[turn_ % addresses.size()];
}

bool SourcePool::Rest(const std::string& provider, const std::string& address,
                      const std::vector<std::string>& addresses, absl::Time now) {
  if (address.empty()) return false;
  if (resting_.size() >= kMaxProviders) {
    absl::erase_if(resting_, [now](const auto& entry) {
      return std::all_of(entry.second.begin(), entry.second.end(),
                         [now](const RestingSource& source) { return source.until <= now; });
    });
  }
  if (resting_.size() < kMaxProviders) {
    std::vector<RestingSource>& sources = resting_[provider];
    std::erase_if(sources,
                  [&](const RestingSource& source) { return source.until <= now || source.source_address == address; });
    sources.push_back({address, now + kRest});
  }
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const std::string& other) { return !resting(provider, other, now); });
}

bool SourcePool::resting(const std::string& provider, const std::string& address, absl::Time now) const {
  const auto found = resting_.find(provider);
  return found != resting_.end() &&
         std::any_of(found->second.begin(), found->second.end(), [&](const RestingSource& source) {
           return source.source_address == address && source.until > now;
         });
}

std::vector<RestingSource> SourcePool::RestingAt(const std::string& provider, absl::Time now) const {
  std::vector<RestingSource> sources;
  const auto found = resting_.find(provider);
  if (found == resting_.end()) return sources;
  std::copy_if(found->second.begin(), found->second.end(), std::back_inserter(sources),
               [now](const RestingSource& source) { return source.until > now; });
  return sources;
}

void SourcePool::Restore(const std::string& provider, const std::vector<RestingSource>& resting) {
  if (!resting.empty() && resting_.size() < kMaxProviders) resting_[provider] = resting;
}

}  // namespace verifyd
