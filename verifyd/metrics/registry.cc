#include "verifyd/metrics/registry.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace verifyd {

// One of these is set.
struct MetricRegistry::Series {
  MetricName name;
  std::unique_ptr<prometheus::Counter> counter;
  std::unique_ptr<prometheus::Histogram> histogram;
  std::function<double()> read;

  prometheus::ClientMetric Collect(MetricKind kind) const {
    prometheus::ClientMetric metric;
    if (counter != nullptr) {
      metric = counter->Collect();
    } else if (histogram != nullptr) {
      metric = histogram->Collect();
    } else if (kind == MetricKind::kCounter) {
      metric.counter.value = read();
    } else {
      metric.gauge.value = read();
    }
    for (const auto& [label, value] : name.labels) metric.label.push_back({.name = label, .value = value});
    return metric;
  }
};

struct MetricRegistry::Family {
  MetricKind kind;
  std::vector<std::unique_ptr<Series>> series;
};

MetricRegistry::MetricRegistry() = default;
MetricRegistry::~MetricRegistry() = default;

MetricRegistry::Series& MetricRegistry::Add(MetricKind kind, const MetricName& name) {
  const auto add_to = [&name](Family& family) -> Series& {
    family.series.push_back(std::make_unique<Series>());
    family.series.back()->name = name;
    return *family.series.back();
  };
  for (const std::unique_ptr<Family>& family : families_) {
    if (family->series.front()->name.family != name.family) continue;
    for (const std::unique_ptr<Series>& one : family->series) {
      if (one->name.labels == name.labels) return *one;
    }
    return add_to(*family);
  }
  families_.push_back(std::make_unique<Family>(Family{.kind = kind, .series = {}}));
  return add_to(*families_.back());
}

prometheus::Counter& MetricRegistry::AddCounter(const MetricName& name) {
  Series& series = Add(MetricKind::kCounter, name);
  if (series.counter == nullptr) series.counter = std::make_unique<prometheus::Counter>();
  return *series.counter;
}

prometheus::Histogram& MetricRegistry::AddHistogram(const MetricName& name, const std::vector<double>& bounds) {
  Series& series = Add(MetricKind::kHistogram, name);
  if (series.histogram == nullptr) series.histogram = std::make_unique<prometheus::Histogram>(bounds);
  return *series.histogram;
}

void MetricRegistry::AddRead(MetricKind kind, const MetricName& name, std::function<double()> read) {
  Add(kind, name).read = std::move(read);
}

std::vector<MetricFamily> MetricRegistry::Collect() const {
  for (const std::function<void()>& read : before_) read();
  std::vector<MetricFamily> families;
  families.reserve(families_.size());
  for (const std::unique_ptr<Family>& family : families_) {
    MetricFamily& collected = families.emplace_back(MetricFamily{.kind = family->kind, .samples = {}});
    for (const std::unique_ptr<Series>& series : family->series) {
      collected.samples.push_back({.name = series->name, .value = series->Collect(family->kind)});
    }
  }
  return families;
}

std::string FullName(const MetricName& name) {
  if (name.labels.empty()) return name.family;
  const auto label = [](std::string* out, const auto& of) { absl::StrAppend(out, of.first, "=\"", of.second, "\""); };
  return absl::StrCat(name.family, "{", absl::StrJoin(name.labels, ",", label), "}");
}

}  // namespace verifyd
