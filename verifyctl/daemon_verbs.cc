#include "verifyctl/daemon_verbs.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/interrupt.h"
#include "verifyctl/stats_text.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_status.h"

namespace verifyd {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(50);
constexpr char kWipeScreen[] = "\033[H\033[2J";

}  // namespace

int Stats(const StatsOptions& options, Asker& asker, Console& console) {
  const Interrupt interrupt;
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/stats";
  std::optional<boost::json::object> before;
  MonoTime then;
  for (;;) {
    const MonoTime now = console.clock.Mono();
    const int code = Answer(asker, request, console, [&](absl::string_view line, const boost::json::object& stats) {
      if (options.json) {
        console.out << line << "\n";
        return;
      }
      if (options.watch > 0) console.out << (console.out_colours ? kWipeScreen : before.has_value() ? "\n" : "");
      const boost::json::object* const earlier = before.has_value() ? &*before : nullptr;
      const double seconds = absl::ToDoubleSeconds(now - then);
      console.out << (options.all ? AllStatsText(stats, earlier, seconds) : StatsText(stats, earlier, seconds));
      before = stats;
      then = now;
    });
    console.out << std::flush;
    if (code != 0 || options.watch == 0 || !console.out) return code;
    // Sleeps in short steps, to see an interrupt.
    const MonoTime next = now + absl::Seconds(options.watch);
    while (console.clock.Mono() < next && !interrupt.wanted()) absl::SleepFor(kStep);
    if (interrupt.wanted()) return Interrupt::kExitCode;
  }
}

int Reload(bool json, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "POST";
  request.target = "/v1/reload";
  const int code = Answer(asker, request, console, [&](absl::string_view line, const boost::json::object& answer) {
    if (json) {
      console.out << line << "\n";
      return;
    }
    console.out << "reloaded\n";
    const auto shown = FromJson<ShownReload>(answer);
    const std::vector<std::string>& later = shown.wait_for_restart;
    if (!later.empty()) {
      console.out << absl::StrJoin(later, ", ") << (later.size() == 1 ? " takes" : " take")
                  << " effect after a restart only\n";
    }
    for (const std::string& warning : shown.warnings) console.err << "verifyctl: warning: " << warning << "\n";
  });
  return code == kExitBadAddress || code == kExitNotCached ? kExitConfiguration : code;
}

}  // namespace verifyd
