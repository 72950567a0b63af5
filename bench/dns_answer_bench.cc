// Parses an answer as large domains give it: two exchanges, and eight addresses behind a chain of two CNAMEs.
#include <benchmark/benchmark.h>

#include <string>

#include "dns/answer.h"
#include "tests/dns/packet.h"

namespace verifyd {
namespace {

void ParseMx(benchmark::State& state) {
  const std::string message = Packet("example.com", DnsType::kMx)
                                  .Answer(AskedName(), DnsType::kMx, 3600, MxData(10, "mx1.example.net"))
                                  .Answer(AskedName(), DnsType::kMx, 3600, MxData(20, "mx2.example.net"))
                                  .Build();
  for (auto _ : state) benchmark::DoNotOptimize(ParseDnsAnswer(message, "example.com", DnsType::kMx));
}
BENCHMARK(ParseMx);

void ParseAddresses(benchmark::State& state) {
  Packet packet("example.com", DnsType::kA);
  packet.Answer(AskedName(), DnsType::kCname, 60, WireName("a.example.net"));
  packet.Answer(WireName("a.example.net"), DnsType::kCname, 60, WireName("b.example.net"));
  for (int i = 0; i < 8; ++i) packet.Answer(WireName("b.example.net"), DnsType::kA, 60, "abcd");
  const std::string message = packet.Build();
  for (auto _ : state) benchmark::DoNotOptimize(ParseDnsAnswer(message, "example.com", DnsType::kA));
}
BENCHMARK(ParseAddresses);

}  // namespace
}  // namespace verifyd
