#include "verifyctl/learn_verb.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/delivery_log.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/input_text.h"
#include "verifyctl/interrupt.h"
#include "verifyctl/log_file.h"
#include "verifyctl/log_line.h"
#include "verifyctl/progress.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_cache.h"
#include "verifyd/json/shown_delivery.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Deliveries that are sent together.
constexpr size_t kLearnedTogether = 64;
// Deliveries are sent after so long at most, and the end of a log that is followed is looked at as often.
constexpr absl::Duration kLearnPause = absl::Seconds(1);

// The last line of `--json`.
struct LearnSummary {
  uint64_t lines = 0;
  uint64_t deliveries = 0;
  Flat<ShownLearnedCounts> counts;
};
BOOST_DESCRIBE_STRUCT(LearnSummary, (), (lines, deliveries, counts))

class LogLearner {
 public:
  LogLearner(const LearnOptions& options, Asker& asker, Console& console)
      : options_(options), asker_(asker), console_(console) {}

  // Returns 0, or the exit code.
  int Run(LogFile& log) {
    const bool follow = options_.follow && options_.mail_log != "-";
    const Interrupt interrupt;
    Progress progress(console_, "lines", 0);
    for (;;) {
      const std::optional<absl::string_view> line = log.Next();
      if (line.has_value()) Take(*line);
      const bool interrupted = interrupt.wanted();
      const bool ended = interrupted || (!line.has_value() && (!follow || !log.status().ok()));
      if (ended || !line.has_value() || deliveries_.size() >= kLearnedTogether ||
          (!deliveries_.empty() && console_.clock.Mono() - sent_ >= kLearnPause)) {
        if (const int code = Send(); code != 0) return code;
      }
      progress.Show(sum_.lines);
      if (ended) return interrupted ? Interrupt::kExitCode : 0;
      if (line.has_value()) continue;
      absl::SleepFor(kLearnPause);
      log.FollowRotation();
    }
  }

  std::string Summary() const {
    if (options_.json) return JsonLine(sum_);
    const ShownLearnedCounts& counts = sum_.counts;
    std::string text = absl::StrCat(options_.dry_run ? "would learn " : "learned ", counts.learned, " of ",
                                    sum_.deliveries, " deliveries in ", sum_.lines, " lines\n");
    const auto put = [&](uint64_t count, absl::string_view what) {
      if (count > 0) absl::StrAppend(&text, "    ", count, " ", what, "\n");
    };
    put(counts.older, "not newer than what is held");
    put(counts.expired, "expired");
    put(counts.future, "from the future: a clock is wrong");
    put(counts.elsewhere, "whose relay is not where a probe would ask");
    put(counts.not_verified, "of domains that are not in verify_domains");
    put(counts.uninformative, "that say nothing of the address, or are not believed now");
    return text;
  }
  bool any() const { return sum_.lines > 0; }
  // True where there were lines, but none that Postfix has written.
  bool foreign() const { return any() && !postfix_; }
  int64_t lines() const { return static_cast<int64_t>(sum_.lines); }

 private:
  void Take(absl::string_view line) {
    ++sum_.lines;
    postfix_ = postfix_ || IsPostfixLine(line);
    const std::optional<Delivery> delivery = LoggedDelivery(line, zone_, console_.clock.Now());
    if (!delivery.has_value()) return;
    ++sum_.deliveries;
    deliveries_.emplace_back(AsJson(Shown(*delivery)));
  }

  int Send() {
    sent_ = console_.clock.Mono();
    if (deliveries_.empty()) return 0;
    ApiRequest request;
    request.method = "POST";
    request.target = "/v1/learned";
    request.body = json::serialize(
        json::object{{"deliveries", std::exchange(deliveries_, json::array())}, {"dry_run", options_.dry_run}});
    return Answer(asker_, request, console_, [&](absl::string_view /*line*/, const json::object& answer) {
      const auto learned = FromJson<ShownLearned>(answer);
      boost::mp11::mp_for_each<described::Fields<ShownLearnedCounts>>(
          [&](auto field) { sum_.counts.*field.pointer += learned.counts.*field.pointer; });
    });
  }

  const LearnOptions& options_;
  Asker& asker_;
  Console& console_;
  const absl::TimeZone zone_ = absl::LocalTimeZone();
  json::array deliveries_;
  MonoTime sent_;
  bool postfix_ = false;
  LearnSummary sum_;
};

}  // namespace

int Learn(const LearnOptions& options, Asker& asker, Console& console) {
  const absl::StatusOr<std::unique_ptr<LogFile>> log = LogFile::Open(options.mail_log, console.in, "learn");
  if (!log.ok()) {
    console.err << "verifyctl: " << log.status().message() << "\n";
    return ExitCodeOfInput(log.status());
  }
  LogLearner learner(options, asker, console);
  int code = learner.Run(**log);
  if (code == 0 && !(*log)->status().ok()) {
    console.err << "verifyctl: " << (*log)->status().message() << "\n";
    code = ExitCodeOfInput((*log)->status());
  }
  if (code == 0 && learner.foreign()) return NoMailLog(options.mail_log, learner.lines(), console);
  if (code == 0 && !learner.any()) SayEmpty(options.mail_log, console);
  if (learner.any() || code == 0) console.out << learner.Summary();
  return code;
}

}  // namespace verifyd
