// Measures tables of a million entries, and a list of a hundred thousand disposable domains: the time to read them, the
// memory they keep, and the cost of a look-up where the key is there and where it is not.
//
//   table_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tables/table.h"
#include "verifyd/restriction/access_table.h"
#include "verifyd/restriction/disposable_domains.h"

namespace verifyd {
namespace {

constexpr uint32_t kEntries = 1000000;
constexpr uint32_t kDisposable = 100000;

std::string User(uint32_t number) { return absl::StrCat("user", number, "@customer", number % 1000, ".example"); }
std::string DisposableDomain(uint32_t number) { return absl::StrCat("throwaway", number, ".example"); }
std::string Network(uint32_t number) {
  return absl::StrCat(11 + (number >> 16), ".", number >> 8 & 255, ".", number & 255, ".0/24");
}

// Files that are written once for all benchmarks of a run.
class Sample {
 public:
  static const Sample& Get() {
    static const Sample sample;
    return sample;
  }
  std::string access() const { return absl::StrCat("texthash:", path_, ".access"); }
  std::string aliases() const { return absl::StrCat("texthash:", path_, ".aliases"); }
  // It has a tenth of the entries of the others.
  std::string disposable() const { return absl::StrCat("texthash:", path_, ".disposable"); }
  std::string networks() const { return absl::StrCat("cidr:", path_, ".cidr"); }

 private:
  Sample() {
    std::ofstream access(path_ + ".access");
    std::ofstream aliases(path_ + ".aliases");
    std::ofstream disposable(path_ + ".disposable");
    std::ofstream networks(path_ + ".cidr");
    for (uint32_t i = 0; i < kDisposable; ++i) disposable << DisposableDomain(i) << " disposable\n";
    for (uint32_t i = 0; i < kEntries; ++i) {
      access << User(i) << (i % 3 == 0 ? " REJECT gone\n" : " OK\n");
      aliases << User(i) << " box" << i << "@store.example\n";
      networks << Network(i) << (i % 3 == 0 ? " REJECT listed\n" : " OK\n");
    }
  }
  ~Sample() {
    for (const char* ending : {".access", ".aliases", ".cidr", ".disposable"}) std::filesystem::remove(path_ + ending);
  }

  const std::string path_ = absl::StrCat(std::filesystem::temp_directory_path().string(), "/table_bench.", ::getpid());
};

// Returns the bytes of the C library's heap, mapped blocks included.
double BytesInUse() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

std::shared_ptr<const AccessTable> LoadAccess(const std::string& spec) {
  auto table = AccessTable::Load(spec, [](absl::string_view value) -> absl::StatusOr<AccessTable::Value> {
    auto box = std::make_shared<const std::string>(value);
    return AccessTable::Value(box, reinterpret_cast<const RestrictionList*>(box.get()));
  });
  if (!table.ok()) std::abort();
  return *table;
}

std::shared_ptr<const Table> LoadTable(const std::string& spec) {
  auto table = Table::Load(spec);
  if (!table.ok()) std::abort();
  return *table;
}

template <typename Load>
void MeasureLoad(benchmark::State& state, uint32_t entries, Load load) {
  for (auto _ : state) {
    state.PauseTiming();
    const double before = BytesInUse();
    state.ResumeTiming();
    const auto table = load();
    state.PauseTiming();
    state.counters["bytes_per_entry"] = (BytesInUse() - before) / entries;
    state.ResumeTiming();
  }
}

void BM_LoadAccess(benchmark::State& state) {
  MeasureLoad(state, kEntries, [spec = Sample::Get().access()] { return LoadAccess(spec); });
}
BENCHMARK(BM_LoadAccess)->Unit(benchmark::kMillisecond);

// Each entry has a value of its own.
void BM_LoadAliases(benchmark::State& state) {
  MeasureLoad(state, kEntries, [spec = Sample::Get().aliases()] { return LoadTable(spec); });
}
BENCHMARK(BM_LoadAliases)->Unit(benchmark::kMillisecond);

void BM_LoadNetworks(benchmark::State& state) {
  MeasureLoad(state, kEntries, [spec = Sample::Get().networks()] { return LoadAccess(spec); });
}
BENCHMARK(BM_LoadNetworks)->Unit(benchmark::kMillisecond);

DisposableDomains LoadDisposable() {
  auto domains = DisposableDomains::Load(Sample::Get().disposable(), "");
  if (!domains.ok()) std::abort();
  return *domains;
}

void BM_LoadDisposable(benchmark::State& state) { MeasureLoad(state, kDisposable, LoadDisposable); }
BENCHMARK(BM_LoadDisposable)->Unit(benchmark::kMillisecond);

// Makes the keys beforehand, so that only the look-up is measured.
template <typename MakeKey>
std::vector<std::string> RandomKeys(MakeKey make_key) {
  std::mt19937 random(1);
  std::vector<std::string> keys;
  keys.reserve(1 << 18);
  for (int i = 0; i < 1 << 18; ++i) keys.push_back(make_key(static_cast<uint32_t>(random() % kEntries)));
  return keys;
}

template <typename LookUp>
void MeasureLookUp(benchmark::State& state, const std::vector<std::string>& keys, bool found, LookUp look_up) {
  size_t next = 0;
  for (auto _ : state) {
    if (look_up(keys[next]) != found) state.SkipWithError("not as expected");
    next = (next + 1) % keys.size();
  }
}

// The first of all keys is there.
void BM_FindAddressHit(benchmark::State& state) {
  const auto table = LoadAccess(Sample::Get().access());
  MeasureLookUp(state, RandomKeys(User), true,
                [&](const std::string& key) { return table->FindAddress(key) != nullptr; });
}
BENCHMARK(BM_FindAddressHit);

// None of all seven keys is there: the address, the domain, its parents, the user.
void BM_FindAddressMiss(benchmark::State& state) {
  const auto table = LoadAccess(Sample::Get().access());
  MeasureLookUp(state,
                RandomKeys([](uint32_t number) { return absl::StrCat("nobody", number, "@customer.mail.example"); }),
                false, [&](const std::string& key) { return table->FindAddress(key) != nullptr; });
}
BENCHMARK(BM_FindAddressMiss);

void BM_FindNetworkHit(benchmark::State& state) {
  const auto table = LoadAccess(Sample::Get().networks());
  const auto keys = RandomKeys([](uint32_t number) {
    return absl::StrCat(11 + (number >> 16), ".", number >> 8 & 255, ".", number & 255, ".7");
  });
  MeasureLookUp(state, keys, true,
                [&](const std::string& key) { return table->FindClient("unknown", key) != nullptr; });
}
BENCHMARK(BM_FindNetworkHit);

void BM_FindNetworkMiss(benchmark::State& state) {
  const auto table = LoadAccess(Sample::Get().networks());
  const auto keys =
      RandomKeys([](uint32_t number) { return absl::StrCat("10.0.", number >> 8 & 255, ".", number & 255); });
  MeasureLookUp(state, keys, false,
                [&](const std::string& key) { return table->FindClient("unknown", key) != nullptr; });
}
BENCHMARK(BM_FindNetworkMiss);

// Looks up names below a domain of the list.
void BM_DisposableHit(benchmark::State& state) {
  const DisposableDomains domains = LoadDisposable();
  MeasureLookUp(
      state, RandomKeys([](uint32_t number) { return absl::StrCat("mail.", DisposableDomain(number % kDisposable)); }),
      true, [&](const std::string& key) { return domains.Contains(key); });
}
BENCHMARK(BM_DisposableHit);

void BM_DisposableMiss(benchmark::State& state) {
  const DisposableDomains domains = LoadDisposable();
  MeasureLookUp(state, RandomKeys([](uint32_t number) { return absl::StrCat("mail.customer", number, ".example"); }),
                false, [&](const std::string& key) { return domains.Contains(key); });
}
BENCHMARK(BM_DisposableMiss);

}  // namespace
}  // namespace verifyd
