// Measures the cost of the address in a cached answer.
#include <benchmark/benchmark.h>

#include "absl/strings/string_view.h"
#include "mail/address.h"

namespace verifyd {
namespace {

void FromUnquoted(benchmark::State& state, absl::string_view text) {
  for (auto _ : state) benchmark::DoNotOptimize(Address::FromUnquoted(text));
}
BENCHMARK_CAPTURE(FromUnquoted, plain, "joe.doe@mail.example.com");
BENCHMARK_CAPTURE(FromUnquoted, longer, "customer-service.department+2024@mailbox.of-a-longer-name.example.com");
BENCHMARK_CAPTURE(FromUnquoted, literal, "joe@[IPv6:2001:db8::1]");
BENCHMARK_CAPTURE(FromUnquoted, idn, "joe@bücher.example");
BENCHMARK_CAPTURE(FromUnquoted, wrong, "joe@mail..example.com");

void Parse(benchmark::State& state, absl::string_view text) {
  for (auto _ : state) benchmark::DoNotOptimize(Address::Parse(text));
}
BENCHMARK_CAPTURE(Parse, plain, "joe.doe@mail.example.com");
BENCHMARK_CAPTURE(Parse, quoted, "\"joe doe\"@mail.example.com");

void Key(benchmark::State& state) {
  const Address address = *Address::Parse("joe.doe@mail.example.com");
  for (auto _ : state) benchmark::DoNotOptimize(address.Key());
}
BENCHMARK(Key);

}  // namespace
}  // namespace verifyd
