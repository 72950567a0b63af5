// Measures how many questions the cache answers while somebody tries out names. The trace has users (Zipf), addresses
// that are known not to exist and are asked about again and again (Zipf), and a dictionary attack, where no address
// comes twice. It runs against the bounded store, a least-recently-used cache of as many entries, and one without
// bounds.
//
//   hit_ratio [QUESTIONS]        2000000 of them, 60 % from the attack; the trace is the same each time
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cache/eviction.h"
#include "cache/record.h"
#include "cache/store.h"

namespace verifyd {
namespace {

constexpr size_t kUsers = 100000;
constexpr size_t kKnownBad = 20000;
constexpr double kSkew = 0.9;
constexpr int kAttackPercent = 60;
constexpr int kBadPercent = 10;  // of the rest
constexpr int kQuestionsPerSecond = 100;
constexpr size_t kGroup = 50;  // records that the writer commits together

class Zipf {
 public:
  explicit Zipf(size_t count) {
    double sum = 0;
    for (size_t i = 1; i <= count; ++i) sums_.push_back(sum += std::pow(static_cast<double>(i), -kSkew));
  }
  size_t Draw(std::mt19937_64& random) const {
    const double at = std::uniform_real_distribution<double>(0, sums_.back())(random);
    return static_cast<size_t>(std::lower_bound(sums_.begin(), sums_.end(), at) - sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

class Memory {
 public:
  virtual ~Memory() = default;
  // Returns true if the address is known; from now on it is.
  virtual bool Ask(const std::string& key, bool exists) = 0;
};

class Unbounded : public Memory {
 public:
  bool Ask(const std::string& key, bool /*exists*/) override { return !known_.insert(key).second; }

 private:
  absl::flat_hash_set<std::string> known_;
};

class LeastRecentlyUsed : public Memory {
 public:
  explicit LeastRecentlyUsed(size_t entries) : entries_(entries) {}
  bool Ask(const std::string& key, bool /*exists*/) override {
    if (const auto known = places_.find(key); known != places_.end()) {
      order_.splice(order_.begin(), order_, known->second);
      return true;
    }
    order_.push_front(key);
    places_[key] = order_.begin();
    if (order_.size() > entries_) {
      places_.erase(order_.back());
      order_.pop_back();
    }
    return false;
  }

 private:
  size_t entries_;
  std::list<std::string> order_;
  absl::flat_hash_map<std::string, std::list<std::string>::iterator> places_;
};

// The store as the writer keeps it.
class Bounded : public Memory {
 public:
  explicit Bounded(size_t entries) : bounds_{.entries = entries} {
    std::string folder = (std::filesystem::temp_directory_path() / "hit_ratio_XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
    auto store = Store::Open(folder + "/verify_cache.mdb", now_);
    if (!store.ok()) std::abort();
    store_ = *std::move(store);
  }
  ~Bounded() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  bool Ask(const std::string& key, bool exists) override {
    now_ += absl::Seconds(1) / kQuestionsPerSecond;
    if (fresh_.contains(key) || *store_->Find(StoreTable::kRecords, key, [](absl::string_view) {})) {
      asked_.Note(key);
      return true;
    }
    fresh_[key] = exists;
    if (fresh_.size() == kGroup) Commit();
    return false;
  }

 private:
  void Commit() {
    const absl::Status status = store_->Write([&](Store::Changes& changes) -> absl::Status {
      Eviction::Group group;
      for (const auto& [key, exists] : fresh_) {
        Record record;
        record.finding.deliverability = exists ? Deliverability::kDeliverable : Deliverability::kUndeliverable;
        record.finding.scope = Scope::kAddress;
        record.finding.when = now_;
        record.first_seen = now_;
        if (exists) record.last_positive = now_;
        RETURN_IF_ERROR(changes.Put(StoreTable::kRecords, key, EncodeRecord(record), Lifetimes()));
        group.keys.emplace_back(key);
        if (exists) ++group.positives;
      }
      return eviction_.Run(changes, bounds_, group, Lifetimes(), now_).status();
    });
    if (!status.ok()) std::abort();
    fresh_.clear();
  }

  const Bounds bounds_;
  std::filesystem::path folder_;
  absl::Time now_ = absl::FromUnixSeconds(1700000000);
  std::unique_ptr<Store> store_;
  Asked asked_;
  Eviction eviction_{asked_};
  absl::flat_hash_map<std::string, bool> fresh_;
};

void Run(const char* name, size_t entries, Memory& memory, int questions) {
  static const Zipf users(kUsers);
  static const Zipf known_bad(kKnownBad);
  std::mt19937_64 random(1);
  std::uniform_int_distribution<int> percent(0, 99);
  uint64_t of_users = 0;
  uint64_t user_hits = 0;
  uint64_t of_bad = 0;
  uint64_t bad_hits = 0;
  for (int i = 0; i < questions; ++i) {
    // The first half fills the cache.
    const bool counts = i >= questions / 2;
    if (percent(random) < kAttackPercent) {
      memory.Ask(absl::StrCat("guess", random(), "@example.com"), false);
    } else if (percent(random) < kBadPercent) {
      const bool hit = memory.Ask(absl::StrCat("gone", known_bad.Draw(random), "@example.com"), false);
      if (counts) ++of_bad, bad_hits += hit ? 1 : 0;
    } else {
      const bool hit = memory.Ask(absl::StrCat("user", users.Draw(random), "@example.com"), true);
      if (counts) ++of_users, user_hits += hit ? 1 : 0;
    }
  }
  std::printf("%-22s %9zu entries   users %5.1f %%   known not to exist %5.1f %%   both %5.1f %%\n", name, entries,
              100.0 * static_cast<double>(user_hits) / static_cast<double>(of_users),
              100.0 * static_cast<double>(bad_hits) / static_cast<double>(of_bad),
              100.0 * static_cast<double>(user_hits + bad_hits) / static_cast<double>(of_users + of_bad));
}

}  // namespace
}  // namespace verifyd

int main(int argc, char** argv) {
  int questions = 2000000;
  if (argc > 2 || (argc == 2 && (!absl::SimpleAtoi(argv[1], &questions) || questions < 100))) {
    std::fputs("usage: hit_ratio [QUESTIONS]\n", stderr);
    return 2;
  }
  std::printf(
      "%d questions, %d %% of them a dictionary attack; %zu users and %zu addresses that do not exist, Zipf %.1f\n",
      questions, verifyd::kAttackPercent, verifyd::kUsers, verifyd::kKnownBad, verifyd::kSkew);
  verifyd::Unbounded unbounded;
  verifyd::Run("without bounds", 0, unbounded, questions);
  for (const size_t entries : {30000, 60000, 120000}) {
    verifyd::Bounded bounded(entries);
    verifyd::Run("bounded store", entries, bounded, questions);
    verifyd::LeastRecentlyUsed recent(entries);
    verifyd::Run("least recently used", entries, recent, questions);
  }
  return 0;
}
