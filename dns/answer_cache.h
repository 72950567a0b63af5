// Answers remembered for as long as they say they hold; beyond its size those used longest ago go first.
//
// Thread: one (the resolver's loop).
#ifndef VERIFYD_DNS_ANSWER_CACHE_H_
#define VERIFYD_DNS_ANSWER_CACHE_H_

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "dns/answer.h"

namespace verifyd {

// The name in lower case.
using DnsKey = std::pair<std::string, DnsType>;

class AnswerCache {
 public:
  explicit AnswerCache(size_t max_entries) : max_entries_(max_entries) {}

  // Keeps kOk, kNoData and kNxDomain for their TTL (none without one, RFC 2308 section 5); a failure is never kept.
  void Put(const DnsKey& key, std::shared_ptr<const DnsAnswer> answer, MonoTime now);
  // Null if there is none; else with what is left of its TTL.
  std::shared_ptr<const DnsAnswer> Find(const DnsKey& key, MonoTime now);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    DnsKey key;
    std::shared_ptr<const DnsAnswer> answer;
    MonoTime expires;
  };

  size_t max_entries_;
  std::list<Entry> entries_;  // the one used last stands first
  absl::flat_hash_map<DnsKey, std::list<Entry>::iterator> index_;
};

}  // namespace verifyd

#endif  // VERIFYD_DNS_ANSWER_CACHE_H_
