// Measures the cost of look-ups while the cache is at work, with a million records asked at random: idle, under writes,
// and while half of them are cleaned away; beside LMDB's bare reads of the same file in the same moments. Prints a line
// of JSON for bench/cache_figures.
//
//   cache_load FOLDER RECORDS WRITES_A_SECOND SECONDS
#include <lmdb.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/status_macros.h"
#include "bench/sample_record.h"
#include "cache/cache.h"
#include "cache/record.h"
#include "cache/store.h"

namespace verifyd {
namespace {

constexpr uint32_t kBatch = 20000;
constexpr size_t kKeys = 1 << 18;
constexpr absl::Duration kSlice = absl::Milliseconds(20);

// Every second record has expired.
void Fill(const std::string& path, uint32_t records) {
  const auto store = Store::Open(path + ".mdb", absl::UnixEpoch());
  if (!store.ok()) std::abort();
  const absl::Time now = absl::Now();
  const std::string fresh = EncodeRecord(SampleRecord(now));
  const std::string expired = EncodeRecord(SampleRecord(now - absl::Hours(24 * 5)));
  for (uint32_t first = 0; first < records; first += kBatch) {
    const absl::Status status = (*store)->Write([&](Store::Changes& changes) -> absl::Status {
      for (uint32_t i = first; i < std::min(first + kBatch, records); ++i) {
        RETURN_IF_ERROR(changes.Put(StoreTable::kRecords, SampleKey(i), i % 2 == 0 ? fresh : expired, Lifetimes()));
      }
      return absl::OkStatus();
    });
    if (!status.ok()) std::abort();
  }
}

// LMDB's own read: a transaction, the value, each byte of it looked at.
class Raw {
 public:
  explicit Raw(const std::string& path) {
    mdb_env_create(&env_);
    mdb_env_set_maxdbs(env_, 8);
    mdb_env_set_mapsize(env_, size_t{64} << 30);
    if (mdb_env_open(env_, (path + ".mdb").c_str(), MDB_NOSUBDIR | MDB_NOTLS | MDB_RDONLY, 0) != 0) std::abort();
    mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn_);
    mdb_dbi_open(txn_, "records", 0, &dbi_);
    mdb_txn_commit(txn_);
    mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn_);
    mdb_txn_reset(txn_);
  }
  ~Raw() {
    mdb_txn_abort(txn_);
    mdb_env_close(env_);
  }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;

  bool Find(const std::string& key) {
    MDB_val name = {key.size(), const_cast<char*>(key.data())};
    MDB_val value;
    mdb_txn_renew(txn_);
    const bool found = mdb_get(txn_, dbi_, &name, &value) == 0;
    if (found) copy_.assign(static_cast<const char*>(value.mv_data), value.mv_size);
    mdb_txn_reset(txn_);
    return found;
  }

 private:
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  MDB_dbi dbi_ = 0;
  std::string copy_;
};

struct Timed {
  std::vector<float> microseconds;
  absl::Duration busy;
  double PerSecond() const { return static_cast<double>(microseconds.size()) / absl::ToDoubleSeconds(busy); }
  double Percentile(double share) {
    const auto at = static_cast<size_t>(share * static_cast<double>(microseconds.size() - 1));
    std::nth_element(microseconds.begin(), microseconds.begin() + static_cast<std::ptrdiff_t>(at), microseconds.end());
    return static_cast<double>(microseconds[at]);
  }
};

class Load {
 public:
  Load(const std::string& path, uint32_t records) : loop_(Clock::Real()), raw_(path) {
    CacheSettings settings;
    settings.path = path;
    settings.map_name = "lmdb:cache_load";
    settings.cleanup_interval = absl::ZeroDuration();
    cache_ = Cache::Open(loop_, settings);
    settings_ = settings;
    keys_.reserve(kKeys);
    for (size_t i = 0; i < kKeys; ++i) {
      keys_.push_back(SampleKey(2 * (static_cast<uint32_t>(random_()) % (records / 2))));
    }
  }

  template <typename LookUp>
  void Slice(Timed& timed, LookUp look_up) {
    const absl::Time begin = absl::Now();
    absl::Time last = begin;
    while (last - begin < kSlice) {
      look_up(keys_[random_() % keys_.size()]);
      const absl::Time now = absl::Now();
      timed.microseconds.push_back(static_cast<float>(absl::ToDoubleMicroseconds(now - last)));
      last = now;
    }
    timed.busy += last - begin;
  }

  // Runs our look-ups and LMDB's in turns, with writes in between as a serving loop would make them. Ends when `done`
  // returns true.
  template <typename Done>
  void Run(absl::string_view name, double writes_a_second, bool with_raw, Done done) {
    Timed ours;
    Timed bare;
    const absl::Time begin = absl::Now();
    uint64_t written = 0;
    do {
      Slice(ours, [&](const std::string& key) { (void)cache_->FindRecord(key); });
      if (with_raw) Slice(bare, [&](const std::string& key) { (void)raw_.Find(key); });
      const auto wanted = static_cast<uint64_t>(absl::ToDoubleSeconds(absl::Now() - begin) * writes_a_second);
      for (; written < wanted; ++written) cache_->PutRecord(absl::StrCat("new", random_(), "@example.com"), record_);
      loop_.Poll();
    } while (!done(begin));
    const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
    std::printf("%s\"%s\": {\"per_second\": %.0f, \"p50_us\": %.2f, \"p99_us\": %.2f", first_ ? "{" : ", ",
                std::string(name).c_str(), ours.PerSecond(), ours.Percentile(0.5), ours.Percentile(0.99));
    if (with_raw) {
      std::printf(", \"raw_per_second\": %.0f, \"ratio\": %.3f", bare.PerSecond(), ours.PerSecond() / bare.PerSecond());
    }
    std::printf(", \"writes_per_second\": %.0f, \"seconds\": %.2f}", static_cast<double>(written) / seconds, seconds);
    first_ = false;
  }

  // The cleaner runs when the interval says so: at once where it never ran before.
  void BeginCleaning() {
    settings_.cleanup_interval = absl::Hours(12);
    cache_->Configure(settings_);
    loop_.timers().RunDue();
  }
  CacheCounts Counts() { return cache_->counts(); }
  uint64_t Records() { return Counts().records; }

 private:
  Loop loop_;
  std::unique_ptr<Cache> cache_;
  CacheSettings settings_;
  Raw raw_;
  std::mt19937 random_{1};
  // Keys that do not expire, made beforehand, so that only the look-up is measured.
  std::vector<std::string> keys_;
  const Record record_ = SampleRecord(absl::Now());
  bool first_ = true;
};

int Main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: cache_load FOLDER RECORDS WRITES_A_SECOND SECONDS\n");
    return 64;
  }
  const std::string path = absl::StrCat(argv[1], "/verify_cache");
  const auto records = static_cast<uint32_t>(std::atoi(argv[2]));
  const absl::Duration time = absl::Seconds(std::atoi(argv[4]));
  Fill(path, records);
  Load load(path, records);
  const auto for_a_time = [time](absl::Time begin) { return absl::Now() - begin >= time; };
  load.Run("warm", 0, false, for_a_time);
  load.Run("idle", 0, true, for_a_time);
  load.Run("writing", std::atof(argv[3]), true, for_a_time);
  load.Run("idle_again", 0, false, for_a_time);
  const CacheCounts full = load.Counts();
  const uint64_t before = full.records;
  load.BeginCleaning();
  load.Run("cleaning", 0, false, [&](absl::Time /*begin*/) { return load.Records() <= before - records / 2; });
  const CacheCounts cleaned = load.Counts();
  std::printf(
      ", \"cleaned\": %u, \"records\": %llu, \"file_bytes\": %llu, \"used_bytes\": %llu, \"left\": %llu, "
      "\"file_bytes_left\": %llu, \"used_bytes_left\": %llu}\n",
      records / 2, static_cast<unsigned long long>(full.records), static_cast<unsigned long long>(full.file_bytes),
      static_cast<unsigned long long>(full.used_bytes), static_cast<unsigned long long>(cleaned.records),
      static_cast<unsigned long long>(cleaned.file_bytes), static_cast<unsigned long long>(cleaned.used_bytes));
  return 0;
}

}  // namespace
}  // namespace verifyd

int main(int argc, char** argv) { return verifyd::Main(argc, argv); }
