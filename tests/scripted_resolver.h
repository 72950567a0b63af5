// A resolver that answers from a table. A name that has records of other types only has no data; an unknown name does
// not exist. Answers come at once, or after a delay on the loop's clock; questions are counted.
#ifndef VERIFYD_TESTS_SCRIPTED_RESOLVER_H_
#define VERIFYD_TESTS_SCRIPTED_RESOLVER_H_

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "dns/resolver.h"

namespace verifyd {

class ScriptedResolver : public Resolver {
 public:
  explicit ScriptedResolver(Loop& loop) : loop_(loop) {}

  // Sets the whole answer, and replaces an earlier one.
  void Set(absl::string_view name, DnsType type, DnsAnswer answer) {
    const std::string key = absl::AsciiStrToLower(name);
    if (answer.canonical_name.empty()) answer.canonical_name = key;
    names_.insert(key);
    answers_[{key, type}] = std::make_shared<const DnsAnswer>(std::move(answer));
  }
  // Sets an answer without records: Fail("example.com", DnsType::kMx, DnsStatus::kServfail).
  void Fail(absl::string_view name, DnsType type, DnsStatus status, absl::Duration ttl = absl::Minutes(5)) {
    DnsAnswer answer;
    answer.status = status;
    answer.ttl = ttl;
    Set(name, type, std::move(answer));
  }
  void SetMx(absl::string_view domain, std::vector<MxRecord> mx, absl::Duration ttl = absl::Hours(1)) {
    DnsAnswer answer;
    answer.status = DnsStatus::kOk;
    answer.mx = std::move(mx);
    answer.ttl = ttl;
    Set(domain, DnsType::kMx, std::move(answer));
  }
  // Sets A or AAAA, by the form of each address.
  void SetAddresses(absl::string_view host, const std::vector<std::string>& addresses,
                    absl::Duration ttl = absl::Hours(1)) {
    DnsAnswer v4;
    DnsAnswer v6;
    for (const std::string& address : addresses) {
      DnsAnswer& answer = address.find(':') == std::string::npos ? v4 : v6;
      answer.status = DnsStatus::kOk;
      answer.ttl = ttl;
      answer.addresses.push_back(address);
    }
    if (v4.status == DnsStatus::kOk) Set(host, DnsType::kA, std::move(v4));
    if (v6.status == DnsStatus::kOk) Set(host, DnsType::kAaaa, std::move(v6));
  }
  void SetTexts(absl::string_view name, std::vector<std::string> texts) {
    DnsAnswer answer;
    answer.status = DnsStatus::kOk;
    answer.texts = std::move(texts);
    Set(name, DnsType::kTxt, std::move(answer));
  }
  void SetNames(absl::string_view name, std::vector<std::string> names) {
    DnsAnswer answer;
    answer.status = DnsStatus::kOk;
    answer.names = std::move(names);
    Set(name, DnsType::kPtr, std::move(answer));
  }
  // From now on every question fails with an exception, as a fault in our own code does.
  void set_broken(bool broken) { broken_ = broken; }
  // From now on every answer takes this long; beyond its deadline a question ends with kTimeout.
  void set_delay(absl::Duration delay) { delay_ = delay; }
  // This answer takes this long.
  void SetDelay(absl::string_view name, DnsType type, absl::Duration delay) {
    delays_[{absl::AsciiStrToLower(name), type}] = delay;
  }

  // Return how often this question was asked, and how often any was.
  size_t asked(absl::string_view name, DnsType type) const {
    const auto it = asked_.find({absl::AsciiStrToLower(name), type});
    return it == asked_.end() ? 0 : it->second;
  }
  size_t asked() const { return asked_in_all_; }
  // Returns how many of them were for our own domains.
  size_t asked_for_ours() const { return asked_for_ours_; }
  // The most questions that waited for their answers at one time.
  size_t most_at_once() const { return most_at_once_; }

  using Resolver::Query;
  Answer Query(std::string name, DnsType type, MonoTime deadline, DnsNeed need) override {
    if (broken_) throw std::runtime_error("the resolver is broken");
    const Key key(absl::AsciiStrToLower(name), type);
    ++asked_in_all_;
    if (need == DnsNeed::kOurs) ++asked_for_ours_;
    ++asked_[key];
    most_at_once_ = std::max(most_at_once_, ++now_);
    const auto delayed = delays_.find(key);
    const absl::Duration delay = delayed == delays_.end() ? delay_ : delayed->second;
    const absl::Duration patience = deadline - loop_.clock().Mono();
    const bool late = delay > patience;
    const absl::Duration wait = std::min(delay, patience);
    if (wait > absl::ZeroDuration()) co_await loop_.Sleep(wait);
    --now_;
    co_return late ? Without(DnsStatus::kTimeout, key.first) : Find(key);
  }

 private:
  using Key = std::pair<std::string, DnsType>;

  static std::shared_ptr<const DnsAnswer> Without(DnsStatus status, const std::string& name) {
    auto answer = std::make_shared<DnsAnswer>();
    answer->status = status;
    answer->canonical_name = name;
    return answer;
  }

  std::shared_ptr<const DnsAnswer> Find(const Key& key) const {
    if (const auto it = answers_.find(key); it != answers_.end()) return it->second;
    return Without(names_.contains(key.first) ? DnsStatus::kNoData : DnsStatus::kNxDomain, key.first);
  }

  Loop& loop_;
  std::map<Key, std::shared_ptr<const DnsAnswer>> answers_;
  std::set<std::string> names_;
  std::map<Key, absl::Duration> delays_;
  absl::Duration delay_ = absl::ZeroDuration();
  bool broken_ = false;
  std::map<Key, size_t> asked_;
  size_t asked_in_all_ = 0;
  size_t asked_for_ours_ = 0;
  size_t now_ = 0;
  size_t most_at_once_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_TESTS_SCRIPTED_RESOLVER_H_
