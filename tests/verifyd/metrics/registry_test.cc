#include "verifyd/metrics/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "verifyd/metrics/metrics.h"
#include "verifyd/metrics/prometheus_text.h"

namespace verifyd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct PondCounts {
  uint64_t frogs = 0;
  bool frozen = false;
};

// "FAMILY{LABELS}" of all samples.
std::vector<std::string> NamesIn(const MetricRegistry& registry) {
  std::vector<std::string> names;
  for (const MetricFamily& family : registry.Collect()) {
    for (const MetricSample& sample : family.samples) names.push_back(FullName(sample.name));
  }
  return names;
}

TEST(MetricRegistryTest, AnEmptyRegistryHasAnEmptyPage) {
  const MetricRegistry registry;
  EXPECT_THAT(registry.Collect(), IsEmpty());
  EXPECT_EQ(PrometheusText(registry), "");
}

TEST(MetricRegistryTest, WhoAddsACounterThatIsThereGetsThatOne) {
  MetricRegistry registry;
  prometheus::Counter& one = registry.AddCounter({.family = "a_total", .help = "A.", .labels = {{"door", "x"}}});
  one.Increment();
  EXPECT_EQ(&registry.AddCounter({.family = "a_total", .help = "A.", .labels = {{"door", "x"}}}), &one);
  EXPECT_NE(&registry.AddCounter({.family = "a_total", .help = "A.", .labels = {{"door", "y"}}}), &one);
  EXPECT_EQ(registry.Collect().front().samples.front().value.counter.value, 1);
}

TEST(MetricRegistryTest, SamplesOfAFamilyStandTogetherWhereverTheyWereAdded) {
  MetricRegistry registry;
  registry.AddCounter({.family = "a_total", .help = "A.", .labels = {{"door", "x"}}});
  registry.AddCounter({.family = "b_total", .help = "B."});
  registry.AddCounter({.family = "a_total", .help = "A.", .labels = {{"door", "y"}, {"action", "z"}}});
  EXPECT_THAT(NamesIn(registry), ElementsAre("a_total{door=\"x\"}", "a_total{action=\"z\",door=\"y\"}", "b_total"));
}

TEST(MetricRegistryTest, TheStructOfARoomIsReadOnceAndWheneverTheListIsCollected) {
  MetricRegistry registry;
  PondCounts counts;
  int reads = 0;
  registry.AddCounts<PondCounts>(
      "pond",
      [&] {
        ++reads;
        return counts;
      },
      {{"frogs", MetricKind::kCounter, "frogs_total", {}, "Frogs seen.", &PondCounts::frogs},
       {"frozen", MetricKind::kFlag, "frozen", {}, "Whether it is frozen.", &PondCounts::frozen}});
  EXPECT_EQ(reads, 0);
  counts = {.frogs = 3, .frozen = true};
  const std::vector<MetricFamily> families = registry.Collect();
  EXPECT_EQ(reads, 1);
  ASSERT_EQ(families.size(), 2U);
  EXPECT_EQ(families[0].samples[0].value.counter.value, 3);
  EXPECT_EQ(families[0].samples[0].name.group, "pond");
  EXPECT_EQ(families[0].samples[0].name.stat, "frogs");
  EXPECT_EQ(families[1].samples[0].value.gauge.value, 1);
  counts.frogs = 4;
  EXPECT_EQ(registry.Collect()[0].samples[0].value.counter.value, 4);
}

TEST(MetricRegistryTest, AllThreeKindsStandOnThePageAsPrometheusReadsThem) {
  MetricRegistry registry;
  registry.AddCounter({.family = "asked_total", .help = "Asked, by door.", .labels = {{"door", "a\"b"}}}).Increment(2);
  registry.AddRead(MetricKind::kGauge, {.family = "waiting", .help = "Who waits."}, [] { return 7; });
  registry.AddRead(MetricKind::kFlag, {.family = "kept", .help = "Whether it is kept."}, [] { return 1; });
  prometheus::Histogram& seconds = registry.AddHistogram({.family = "seconds", .help = "How long."}, {0.5, 2});
  for (const double value : {0.25, 1.0, 3.0}) seconds.Observe(value);
  EXPECT_EQ(PrometheusText(registry),
            "# HELP asked_total Asked, by door.\n"
            "# TYPE asked_total counter\n"
            "asked_total{door=\"a\\\"b\"} 2\n"
            "# HELP waiting Who waits.\n"
            "# TYPE waiting gauge\n"
            "waiting 7\n"
            "# HELP kept Whether it is kept.\n"
            "# TYPE kept gauge\n"
            "kept 1\n"
            "# HELP seconds How long.\n"
            "# TYPE seconds histogram\n"
            "seconds_count 3\n"
            "seconds_sum 4.25\n"
            "seconds_bucket{le=\"0.5\"} 1\n"
            "seconds_bucket{le=\"2\"} 2\n"
            "seconds_bucket{le=\"+Inf\"} 3\n");
}

TEST(MetricsTest, EveryCombinationOfLabelsIsThereFromTheStart) {
  Metrics metrics;
  const std::string page = PrometheusText(metrics.registry());
  for (const char* const line :
       {"verifyd_answers_total{source=\"pin\"} 0\n", "verifyd_probes_total{status=\"risky\"} 0\n",
        "verifyd_decisions_total{action=\"defer\"} 0\n", "verifyd_internal_errors_total 0\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(MetricsTest, ACounterCountsWhatItsNameSays) {
  Metrics metrics;
  metrics.questions(VerdictSource::kRecord).Increment();
  metrics.probes(Deliverability::kUndeliverable).Increment();
  metrics.decisions("reject").Increment();
  metrics.door_requests("policy").Increment();
  const std::string page = PrometheusText(metrics.registry());
  for (const char* const line :
       {"verifyd_answers_total{source=\"cache\"} 1\n", "verifyd_probes_total{status=\"undeliverable\"} 1\n",
        "verifyd_decisions_total{action=\"reject\"} 1\n", "verifyd_door_requests_total{door=\"policy\"} 1\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

}  // namespace
}  // namespace verifyd
