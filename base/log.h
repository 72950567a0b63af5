// The log: one line a call, asynchronous and bounded, so that a stuck syslog or a full pipe never blocks a loop. When
// the queue is full, the oldest line is dropped and counted.
//
// Thread: any. Before StartLog and after StopLog lines go to standard error at once (tests, start-up errors).
#ifndef VERIFYD_BASE_LOG_H_
#define VERIFYD_BASE_LOG_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace verifyd {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogOptions {
  // False: standard error, with a "<N>" priority in front where standard error is the journal.
  bool to_syslog = false;
  std::string ident = "verifyd";
  // A facility of syslog(3) by name: "mail", "daemon", "local0" ...
  std::string facility = "mail";
  bool debug = false;
};

// Returns true if `name` is a facility that LogOptions takes.
bool IsSyslogFacility(absl::string_view name);

void StartLog(const LogOptions& options);
// Writes what is queued, then returns to standard error. Where that takes longer than `limit` (nobody reads the pipe),
// the rest of the lines is lost and the writing thread is left behind.
void StopLog(absl::Duration limit = absl::Seconds(1));
// Returns how many lines were lost because the queue was full.
uint64_t LogLinesDropped();

// For tools: lines that go to standard error at once begin with `program`, and only warnings and errors are written.
// Call it before there are other threads.
void SpeakAs(absl::string_view program);

// From now on every line goes through `filter`, on the thread that logs it; null: lines are logged as they are. Call it
// before there are other threads.
void SetLogFilter(std::function<std::string(absl::string_view line)> filter);
// Returns true if a filter is set.
bool LogFiltered();

// `line` must already be printable where it holds foreign text (base/text.h).
void Log(LogLevel level, absl::string_view line);
bool DebugLogged();
inline void LogDebug(absl::string_view line) { Log(LogLevel::kDebug, line); }
inline void LogInfo(absl::string_view line) { Log(LogLevel::kInfo, line); }
inline void LogWarning(absl::string_view line) { Log(LogLevel::kWarning, line); }
inline void LogError(absl::string_view line) { Log(LogLevel::kError, line); }

// While one lives, lines are kept instead of written. For tests; at most one at a time.
class CapturedLog {
 public:
  CapturedLog();
  ~CapturedLog();
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  std::vector<std::string> lines() const;
  bool Contains(absl::string_view part) const;
};

}  // namespace verifyd

#endif  // VERIFYD_BASE_LOG_H_
