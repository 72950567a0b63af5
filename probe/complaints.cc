#include "probe/complaints.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"

namespace verifyd {

Complaints::About Complaints::Judge(const Address& address, const RecentAnswers& answers, MonoTime now) {
  const Complaint heard = {absl::HashOf(address.Key()), RecentAnswers::HashOf(address.domain()), now};
  std::erase_if(heard_,
                [&](const Complaint& old) { return old.address == heard.address || now - old.when >= kMemory; });
  if (heard_.size() >= kMost) heard_.erase(heard_.begin());
  heard_.push_back(heard);
  if (heard_.size() < kAddresses) return About::kAddress;
  absl::flat_hash_set<size_t> domains;
  for (const Complaint& complaint : heard_) domains.insert(complaint.domain);
  if (domains.size() >= kDomains) return About::kAll;
  return answers.Beside(domains, now) ? About::kAddress : About::kFewDomains;
}

}  // namespace verifyd
