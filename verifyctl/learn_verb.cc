#include "verifyctl/learn_verb.h"

#include <array>
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
#include "verifyctl/result_text.h"
#include "verifyd/json/json.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// Deliveries that are sent together.
constexpr size_t kLearnedTogether = 64;
// Deliveries are sent after so long at most, and the end of a log that is followed is looked at as often.
constexpr absl::Duration kLearnPause = absl::Seconds(1);

struct Count {
  absl::string_view name;  // as the daemon has it
  absl::string_view words;
  int64_t count = 0;
};

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
      progress.Show(static_cast<uint64_t>(lines_));
      if (ended) return interrupted ? Interrupt::kExitCode : 0;
      if (line.has_value()) continue;
      absl::SleepFor(kLearnPause);
      log.FollowRotation();
    }
  }

  std::string Summary() const {
    if (options_.json) {
      json::object object{{"lines", lines_}, {"deliveries", found_}, {"learned", learned_.count}};
      for (const Count& other : others_) object[{other.name.data(), other.name.size()}] = other.count;
      return absl::StrCat(json::serialize(object), "\n");
    }
    std::string text = absl::StrCat(options_.dry_run ? "would learn " : "learned ", learned_.count, " of ", found_,
                                    " deliveries in ", lines_, " lines\n");
    for (const Count& other : others_) {
      if (other.count > 0) absl::StrAppend(&text, "    ", other.count, " ", other.words, "\n");
    }
    return text;
  }
  bool any() const { return lines_ > 0; }
  // True where there were lines, but none that Postfix has written.
  bool foreign() const { return lines_ > 0 && !postfix_; }
  int64_t lines() const { return lines_; }

 private:
  void Take(absl::string_view line) {
    ++lines_;
    postfix_ = postfix_ || IsPostfixLine(line);
    const std::optional<Delivery> delivery = LoggedDelivery(line, zone_, console_.clock.Now());
    if (!delivery.has_value()) return;
    ++found_;
    deliveries_.emplace_back(ToJson(*delivery));
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
      learned_.count += NumberField(answer, learned_.name);
      for (Count& other : others_) other.count += NumberField(answer, other.name);
    });
  }

  const LearnOptions& options_;
  Asker& asker_;
  Console& console_;
  const absl::TimeZone zone_ = absl::LocalTimeZone();
  json::array deliveries_;
  MonoTime sent_;
  int64_t lines_ = 0;
  bool postfix_ = false;
  int64_t found_ = 0;
  Count learned_ = {"learned", ""};
  std::array<Count, 6> others_ = {{{"older", "not newer than what is held"},
                                   {"expired", "expired"},
                                   {"future", "from the future: a clock is wrong"},
                                   {"elsewhere", "whose relay is not where a probe would ask"},
                                   {"not_verified", "of domains that are not in verify_domains"},
                                   {"uninformative", "that say nothing of the address, or are not believed now"}}};
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
