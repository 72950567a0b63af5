#include "dns/answer_cache.h"

#include <iterator>

#include "absl/time/time.h"

namespace verifyd {
namespace {

bool IsWorthKeeping(const DnsAnswer& answer) {
  return answer.ttl > absl::ZeroDuration() && (answer.status == DnsStatus::kOk || answer.status == DnsStatus::kNoData ||
                                               answer.status == DnsStatus::kNxDomain);
}

}  // namespace

void AnswerCache::Put(const DnsKey& key, std::shared_ptr<const DnsAnswer> answer, MonoTime now) {
  if (max_entries_ == 0 || !IsWorthKeeping(*answer)) return;
  if (const auto old = index_.find(key); old != index_.end()) Erase(*old);
  if (entries_.size() >= max_entries_) Erase(std::prev(entries_.end()));
  const MonoTime expires = now + answer->ttl;
  entries_.push_front({key, std::move(answer), expires});
  index_.insert(entries_.begin());
}

std::shared_ptr<const DnsAnswer> AnswerCache::Find(const DnsKey& key, MonoTime now) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  const Entries::iterator entry = *found;
  if (entry->expires <= now) {
    Erase(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  auto answer = std::make_shared<DnsAnswer>(*entry->answer);
  answer->ttl = entry->expires - now;
  return answer;
}

void AnswerCache::Erase(Entries::iterator entry) {
  index_.erase(entry);
  entries_.erase(entry);
}

}  // namespace verifyd
