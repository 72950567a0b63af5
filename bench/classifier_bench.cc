// Measures the cost of a classification: replies as servers send them, the longest text, and reading the rules.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "classifier/built_in_rules.h"
#include "classifier/classifier.h"
#include "classifier/marks.h"
#include "mail/address.h"

namespace verifyd {
namespace {

// Classifies every example of every rule in turn, again and again, as a gateway meets them in a day. The counters are
// of single classifications, in nanoseconds.
void ClassifyExamples(benchmark::State& state, const Marks& marks) {
  const auto classifier = Classifier::BuiltIn();
  std::vector<const RuleExample*> examples;
  for (const Rule& rule : classifier->rules()) {
    for (const RuleExample& example : rule.examples) examples.push_back(&example);
  }
  std::vector<int64_t> times;
  size_t i = 0;
  for ([[maybe_unused]] auto _ : state) {
    const RuleExample& example = *examples[i++ % examples.size()];
    const auto start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(classifier->Classify(example.stage, example.reply, example.mx_name, marks));
    times.push_back((std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  state.counters["median_ns"] = static_cast<double>(times[times.size() / 2]);
  state.counters["p99_ns"] = static_cast<double>(times[times.size() * 99 / 100]);
  state.counters["replies"] = static_cast<double>(examples.size());
}

void BM_ClassifyOrdinaryReplies(benchmark::State& state) { ClassifyExamples(state, Marks{}); }
BENCHMARK(BM_ClassifyOrdinaryReplies);

// The address that many of the examples name is known, as it is for a probe.
void BM_ClassifyRepliesOfAKnownRecipient(benchmark::State& state) {
  const Address address = Address::Parse("someone@example.com").value();
  ClassifyExamples(state, Marks{.recipient = &address});
}
BENCHMARK(BM_ClassifyRepliesOfAKnownRecipient);

// The words of this address are found in many examples: all readings are judged.
void BM_ClassifyRepliesOfAnOddRecipient(benchmark::State& state) {
  const Address address = Address::FromUnquoted("user unknown, blocked using zen.spamhaus.org@example.com").value();
  ClassifyExamples(state, Marks{.recipient = &address});
}
BENCHMARK(BM_ClassifyRepliesOfAnOddRecipient);

// Text made of the rules' own words, never the same twice: the state cache does not help.
void BM_ClassifyHostileText(benchmark::State& state) {
  const std::string words(BuiltInRules().data(), BuiltInRules().size());
  const auto classifier = Classifier::BuiltIn();
  uint64_t random = 1;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    std::string text = "550 ";
    while (text.size() < static_cast<size_t>(state.range(0))) {
      random = random * 6364136223846793005U + 1442695040888963407U;
      for (const char c : words.substr(random % (words.size() - 12), 12)) text += c == '\n' ? ' ' : c;
    }
    const Reply reply = *Reply::Parse(text);
    state.ResumeTiming();
    benchmark::DoNotOptimize(classifier->Classify(Stage::kRcpt, reply, "", Marks{}));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_ClassifyHostileText)->RangeMultiplier(4)->Range(64, 4096);

void BM_ReadRules(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(Classifier::FromRules("rules.txt", BuiltInRules()));
}
BENCHMARK(BM_ReadRules)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace verifyd
