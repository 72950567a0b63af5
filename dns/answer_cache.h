// Remembers answers for their TTL. When it is full, the answers used longest ago go first.
//
// Thread: one (the resolver's loop).
#ifndef VERIFYD_DNS_ANSWER_CACHE_H_
#define VERIFYD_DNS_ANSWER_CACHE_H_

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "base/clock.h"
#include "dns/answer.h"

namespace verifyd {

// The name is in lower case.
using DnsKey = std::pair<std::string, DnsType>;

class AnswerCache {
 public:
  explicit AnswerCache(size_t max_entries) : max_entries_(max_entries) {}

  // Keeps kOk, kNoData and kNxDomain for their TTL (none without one, RFC 2308 section 5); a failure is never kept.
  void Put(const DnsKey& key, std::shared_ptr<const DnsAnswer> answer, MonoTime now);
  // Null if there is none; else the answer with the rest of its TTL.
  std::shared_ptr<const DnsAnswer> Find(const DnsKey& key, MonoTime now);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    DnsKey key;
    std::shared_ptr<const DnsAnswer> answer;
    MonoTime expires;
  };

  using Entries = std::list<Entry>;

  // Finds entries by their keys, so that each key is stored once.
  struct Hash {
    using is_transparent = void;
    size_t operator()(const DnsKey& key) const { return absl::Hash<DnsKey>()(key); }
    size_t operator()(Entries::const_iterator entry) const { return (*this)(entry->key); }
  };
  struct Equal {
    using is_transparent = void;
    static const DnsKey& KeyOf(const DnsKey& key) { return key; }
    static const DnsKey& KeyOf(Entries::const_iterator entry) { return entry->key; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return KeyOf(a) == KeyOf(b);
    }
  };

  void Erase(Entries::iterator entry);

  size_t max_entries_;
  Entries entries_;  // the one used last comes first
  absl::flat_hash_set<Entries::iterator, Hash, Equal> index_;
};

}  // namespace verifyd

#endif  // VERIFYD_DNS_ANSWER_CACHE_H_
