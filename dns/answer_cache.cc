#include "dns/answer_cache.h"

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
  if (const auto old = index_.find(key); old != index_.end()) {
    entries_.erase(old->second);
    index_.erase(old);
  }
  if (entries_.size() >= max_entries_) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
  const MonoTime expires = now + answer->ttl;
  entries_.push_front({key, std::move(answer), expires});
  index_.emplace(key, entries_.begin());
}

std::shared_ptr<const DnsAnswer> AnswerCache::Find(const DnsKey& key, MonoTime now) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  const auto entry = found->second;
  if (entry->expires <= now) {
    index_.erase(found);
    entries_.erase(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  auto answer = std::make_shared<DnsAnswer>(*entry->answer);
  answer->ttl = entry->expires - now;
  return answer;
}

}  // namespace verifyd
