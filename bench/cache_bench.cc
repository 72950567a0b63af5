// Measures the cost of a look-up with a million records, asked at random: through the cache, through the store, and by
// LMDB's bare mdb_get in a read transaction of its own on the same file; and the part of encoding and decoding in it.
//
//   cache_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>
#include <lmdb.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
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

constexpr int kRecords = 1000000;
constexpr int kBatch = 20000;

// A file of a million records, made once for all benchmarks of a run.
class Sample {
 public:
  static const std::string& Path() {
    static const Sample sample;
    return sample.path_;
  }

 private:
  Sample() {
    std::string folder = (std::filesystem::temp_directory_path() / "cache_bench_XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) std::abort();
    folder_ = folder;
    path_ = folder + "/verify_cache";
    const auto store = Store::Open(path_ + ".mdb", absl::UnixEpoch());
    if (!store.ok()) std::abort();
    const std::string value = EncodeRecord(SampleRecord(absl::FromUnixSeconds(1700000000)));
    for (int first = 0; first < kRecords; first += kBatch) {
      const absl::Status status = (*store)->Write([&](Store::Changes& changes) -> absl::Status {
        for (int i = first; i < first + kBatch; ++i) {
          RETURN_IF_ERROR(changes.Put(StoreTable::kRecords, SampleKey(static_cast<uint32_t>(i)), value, Lifetimes()));
        }
        return absl::OkStatus();
      });
      if (!status.ok()) std::abort();
    }
  }
  ~Sample() { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::string path_;
};

// Makes the keys beforehand, so that only the look-up is measured.
std::vector<std::string> RandomKeys() {
  std::mt19937 random(1);
  std::vector<std::string> keys;
  keys.reserve(1 << 20);
  for (int i = 0; i < 1 << 20; ++i) keys.push_back(SampleKey(static_cast<uint32_t>(random() % kRecords)));
  return keys;
}

template <typename LookUp>
void Measure(benchmark::State& state, LookUp look_up) {
  const std::vector<std::string> keys = RandomKeys();
  size_t next = 0;
  for (auto _ : state) {
    if (!look_up(keys[next])) state.SkipWithError("not found");
    next = (next + 1) % keys.size();
  }
  state.SetItemsProcessed(state.iterations());
}

void BM_MdbGet(benchmark::State& state) {
  MDB_env* env = nullptr;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  mdb_env_create(&env);
  mdb_env_set_maxdbs(env, 6);
  if (mdb_env_open(env, (Sample::Path() + ".mdb").c_str(), MDB_NOSUBDIR | MDB_NOTLS | MDB_RDONLY, 0) != 0) std::abort();
  mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn);
  mdb_dbi_open(txn, "records", 0, &dbi);
  mdb_txn_commit(txn);
  mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn);
  mdb_txn_reset(txn);
  Measure(state, [&](const std::string& key) {
    MDB_val name = {key.size(), const_cast<char*>(key.data())};
    MDB_val value;
    mdb_txn_renew(txn);
    const int code = mdb_get(txn, dbi, &name, &value);
    benchmark::DoNotOptimize(value);
    mdb_txn_reset(txn);
    return code == 0;
  });
  mdb_txn_abort(txn);
  mdb_env_close(env);
}
BENCHMARK(BM_MdbGet);

void BM_StoreFind(benchmark::State& state) {
  const auto store = Store::Open(Sample::Path() + ".mdb", absl::UnixEpoch());
  if (!store.ok()) std::abort();
  Measure(state, [&](const std::string& key) {
    return (*store)
        ->Find(StoreTable::kRecords, key, [](absl::string_view value) { benchmark::DoNotOptimize(value); })
        .value_or(false);
  });
}
BENCHMARK(BM_StoreFind);

void BM_CacheFindRecord(benchmark::State& state) {
  Loop loop(Clock::Real());
  const auto cache = Cache::Open(loop, {.path = Sample::Path(), .cleanup_interval = absl::ZeroDuration()});
  Measure(state, [&](const std::string& key) { return cache->FindRecord(key).has_value(); });
}
BENCHMARK(BM_CacheFindRecord);

// Every question begins with this look-up; there are few pins.
void BM_CacheFindPin(benchmark::State& state) {
  Loop loop(Clock::Real());
  const auto cache = Cache::Open(loop, {.path = Sample::Path(), .cleanup_interval = absl::ZeroDuration()});
  Measure(state, [&](const std::string& key) { return !cache->FindPin(key, "example.com", absl::Now()).has_value(); });
}
BENCHMARK(BM_CacheFindPin);

void BM_EncodeRecord(benchmark::State& state) {
  const Record record = SampleRecord(absl::FromUnixSeconds(1700000000));
  for (auto _ : state) benchmark::DoNotOptimize(EncodeRecord(record));
  state.counters["bytes"] = static_cast<double>(EncodeRecord(record).size());
}
BENCHMARK(BM_EncodeRecord);

void BM_DecodeRecord(benchmark::State& state) {
  const std::string bytes = EncodeRecord(SampleRecord(absl::FromUnixSeconds(1700000000)));
  for (auto _ : state) benchmark::DoNotOptimize(DecodeRecord(bytes));
}
BENCHMARK(BM_DecodeRecord);

}  // namespace
}  // namespace verifyd
