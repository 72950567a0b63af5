#include "verifyctl/stats_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "boost/json.hpp"
#include "verifyctl/progress.h"
#include "verifyctl/result_text.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr int kGroupIndent = 4;
constexpr int kStatLabel = 15;

// Numbers of the stats, and how they have grown.
class StatsReader {
 public:
  StatsReader(const json::object& stats, const json::object* before, double seconds)
      : stats_(stats), before_(before), seconds_(seconds) {}

  double Of(absl::string_view group, absl::string_view name) const { return In(stats_, group, name); }
  std::string Whole(absl::string_view group, absl::string_view name) const {
    return absl::StrFormat("%.0f", Of(group, name));
  }
  std::string Growth(absl::string_view group, absl::string_view name) const {
    return before_ == nullptr ? "" : GrowthText(Of(group, name) - In(*before_, group, name));
  }

  // Returns one value of a counter that is kept by a label, verifyd_answers_total{source="cache"}.
  double Labelled(absl::string_view name, absl::string_view label, absl::string_view value) const {
    return Of("counters", absl::StrCat(name, "{", label, "=\"", value, "\"}"));
  }
  // Returns the values that were counted at all: "cache 12, pin 3".
  std::string ByLabel(absl::string_view name, absl::string_view label) const {
    std::string text;
    ForEachLabelled(stats_, name, label, [&](absl::string_view value, double number) {
      if (number > 0) absl::StrAppend(&text, text.empty() ? "" : ", ", value, " ", absl::StrFormat("%.0f", number));
    });
    return text;
  }
  double Sum(absl::string_view name, absl::string_view label) const { return SumIn(stats_, name, label); }
  std::string SumGrowth(absl::string_view name, absl::string_view label) const {
    return before_ == nullptr ? "" : GrowthText(Sum(name, label) - SumIn(*before_, name, label));
  }

 private:
  static double In(const json::object& stats, absl::string_view group, absl::string_view name) {
    const json::object* const numbers = ObjectField(stats, group);
    return numbers == nullptr ? 0 : RealField(*numbers, name);
  }
  template <typename Take>
  static void ForEachLabelled(const json::object& stats, absl::string_view name, absl::string_view label, Take take) {
    const json::object* const counters = ObjectField(stats, "counters");
    if (counters == nullptr) return;
    const std::string begin = absl::StrCat(name, "{", label, "=\"");
    for (const auto& counter : *counters) {
      const absl::string_view whole(counter.key().data(), counter.key().size());
      absl::string_view value = whole;
      if (absl::ConsumePrefix(&value, begin) && absl::ConsumeSuffix(&value, "\"}")) {
        take(value, RealField(*counters, whole));
      }
    }
  }
  static double SumIn(const json::object& stats, absl::string_view name, absl::string_view label) {
    double sum = 0;
    ForEachLabelled(stats, name, label, [&](absl::string_view /*value*/, double number) { sum += number; });
    return sum;
  }
  std::string GrowthText(double growth) const {
    return growth > 0 && seconds_ > 0 ? absl::StrFormat("+%.1f/s", growth / seconds_) : "";
  }

  const json::object& stats_;
  const json::object* const before_;
  const double seconds_;
};

// Returns "91.3 % from memory: cache 1100, pin 3, probe 111".
std::string HitText(const StatsReader& stats) {
  constexpr absl::string_view kAnswers = "verifyd_answers_total";
  const double probe = stats.Labelled(kAnswers, "source", "probe");
  const double memory = stats.Labelled(kAnswers, "source", "cache") + stats.Labelled(kAnswers, "source", "domain") +
                        stats.Labelled(kAnswers, "source", "pin");
  std::string by_source = stats.ByLabel(kAnswers, "source");
  if (memory + probe <= 0) return by_source;
  return absl::StrFormat("%.1f %% from memory: %s", 100 * memory / (memory + probe), by_source);
}

std::string CacheText(const StatsReader& stats, const json::object& all) {
  const json::object* const cache = ObjectField(all, "cache");
  if (cache == nullptr || !FlagField(*cache, "persistent")) return "in memory only";
  const auto bytes = [&](absl::string_view name) { return ByteText(static_cast<uint64_t>(stats.Of("cache", name))); };
  return absl::StrCat(bytes("used_bytes"), " of ", bytes("file_bytes"), " used; ", stats.Whole("cache", "domains"),
                      " domains");
}

class StatsWriter {
 public:
  explicit StatsWriter(const StatsReader& stats) : stats_(stats) {}
  void Put(absl::string_view label, absl::string_view group, absl::string_view name, absl::string_view what) {
    Line(label, stats_.Whole(group, name), stats_.Growth(group, name), what);
  }
  void PutSum(absl::string_view label, absl::string_view name, absl::string_view by, absl::string_view what) {
    Line(label, absl::StrFormat("%.0f", stats_.Sum(name, by)), stats_.SumGrowth(name, by), what);
  }
  std::string Take() { return std::move(out_); }

 private:
  void Line(absl::string_view label, absl::string_view number, absl::string_view growth, absl::string_view what) {
    std::string line = absl::StrFormat("%-*s %10s %9s  %s", kStatLabel, label, number, growth, what);
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&out_, line, "\n");
  }

  const StatsReader& stats_;
  std::string out_;
};

}  // namespace

std::string StatsText(const json::object& stats, const json::object* before, double seconds) {
  const StatsReader read(stats, before, seconds);
  StatsWriter out(read);
  out.PutSum("requests", "verifyd_door_requests_total", "door", read.ByLabel("verifyd_door_requests_total", "door"));
  out.PutSum("decisions", "verifyd_decisions_total", "action", read.ByLabel("verifyd_decisions_total", "action"));
  out.PutSum("answers", "verifyd_answers_total", "source", HitText(read));
  out.PutSum("probes", "verifyd_probes_total", "status", read.ByLabel("verifyd_probes_total", "status"));
  out.Put("in progress", "counters", "verifyd_in_progress_total", "patience ended before the probe");
  out.Put("joined", "counters", "verifyd_joined_total", "a probe that was in the air");
  out.Put("refreshes", "counters", "verifyd_refreshes_total", "behind an answer from memory");
  out.Put("overload", "counters", "verifyd_overload_total", "over the limits of probes and of those who wait");
  out.Put("internal errors", "counters", "verifyd_internal_errors_total", "");
  out.Put("waiting now", "verifier", "waiting_now",
          absl::StrCat(read.Whole("verifier", "flying_now"), " probes in the air, ", read.Whole("prober", "queued_now"),
                       " of them queued"));
  out.Put("sessions now", "prober", "sessions_now",
          absl::StrCat("at ", read.Whole("prober", "destinations_now"), " destinations that are kept in mind"));
  out.Put("connections", "prober", "connections",
          absl::StrCat("to servers; ", read.Whole("prober", "refused_connections"), " were refused"));
  out.Put("cache", "cache", "records", CacheText(read, stats));
  out.Put(
      "cache writes", "cache", "writes",
      absl::StrCat(read.Whole("cache", "write_errors"), " failed, ", read.Whole("cache", "uncommitted"), " waiting, ",
                   read.Whole("cache", "evicted"), " evicted, ", read.Whole("cache", "damaged"), " damaged"));
  out.Put("lost log lines", "daemon", "log_lines_dropped", "");
  return out.Take();
}

std::string AllStatsText(const json::object& stats, const json::object* before, double seconds) {
  std::string out;
  size_t width = 0;
  for (const auto& group : stats) {
    const json::object* const numbers = group.value().if_object();
    if (numbers == nullptr) continue;
    for (const auto& number : *numbers) width = std::max(width, number.key().size());
  }
  for (const auto& group : stats) {
    const json::object* const numbers = group.value().if_object();
    if (numbers == nullptr) continue;
    const absl::string_view name(group.key().data(), group.key().size());
    const json::object* const then = before == nullptr ? nullptr : ObjectField(*before, name);
    absl::StrAppend(&out, name, "\n");
    for (const auto& number : *numbers) {
      const absl::string_view what(number.key().data(), number.key().size());
      absl::StrAppendFormat(&out, "%*s%-*s %s", kGroupIndent, "", static_cast<int>(width), what,
                            json::serialize(number.value()));
      const double growth = then == nullptr ? 0 : RealField(*numbers, what) - RealField(*then, what);
      if (growth > 0 && seconds > 0) absl::StrAppendFormat(&out, "  +%.1f/s", growth / seconds);
      absl::StrAppend(&out, "\n");
    }
  }
  return out;
}

}  // namespace verifyd
