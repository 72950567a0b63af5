#include "base/log.h"

#include <syslog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "spdlog/async.h"
#include "spdlog/details/thread_pool.h"
#include "spdlog/logger.h"
#include "spdlog/sinks/base_sink.h"
#include "spdlog/sinks/syslog_sink.h"

namespace verifyd {
namespace {

constexpr size_t kQueuedLines = 8192;

struct Facility {
  absl::string_view name;
  int number;
};
constexpr std::array<Facility, 11> kFacilities = {{{"mail", LOG_MAIL},
                                                   {"daemon", LOG_DAEMON},
                                                   {"user", LOG_USER},
                                                   {"local0", LOG_LOCAL0},
                                                   {"local1", LOG_LOCAL1},
                                                   {"local2", LOG_LOCAL2},
                                                   {"local3", LOG_LOCAL3},
                                                   {"local4", LOG_LOCAL4},
                                                   {"local5", LOG_LOCAL5},
                                                   {"local6", LOG_LOCAL6},
                                                   {"local7", LOG_LOCAL7}}};

// Stands behind the sink that writes: when a flush comes here, everything before it was written.
class EndSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  // False: not within `limit`.
  bool Await(absl::Duration limit) { return end_.get_future().wait_for(absl::ToChronoNanoseconds(limit)) == kReady; }

 protected:
  void sink_it_(const spdlog::details::log_msg& /*message*/) override {}
  void flush_() override { end_.set_value(); }

 private:
  static constexpr std::future_status kReady = std::future_status::ready;
  std::promise<void> end_;
};

// The pool ends first: its end joins the thread, which may still be in the sink and hold the logger.
struct State {
  std::shared_ptr<EndSink> end;
  std::shared_ptr<spdlog::logger> logger;
  std::shared_ptr<spdlog::details::thread_pool> pool;
};

// Set before the threads start and cleared after they ended: meanwhile only the pointer is read.
std::atomic<spdlog::logger*> active_logger{nullptr};
std::atomic<bool> debug_logged{false};

State& TheState() {
  static State* const kState = new State();
  return *kState;
}

struct Capture {
  std::mutex mutex;
  std::atomic<bool> on{false};
  std::vector<std::string> lines;
};

Capture& TheCapture() {
  static Capture* const kCapture = new Capture();
  return *kCapture;
}

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

absl::string_view LevelWord(LogLevel level) {
  return level == LogLevel::kWarning ? "warning: " : level == LogLevel::kError ? "error: " : "";
}

// Lines on standard error; the journal takes the priority from "<N>" in front (sd-daemon(3)).
class StderrSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(spdlog::details::thread_pool& pool)
      : journal_(std::getenv("JOURNAL_STREAM") != nullptr), pool_(pool) {}
  // The command that ends the log stands in the queue, too, so the last lines may still be unwritten.
  ~StderrSink() override { Write(); }
  StderrSink(const StderrSink&) = delete;
  StderrSink& operator=(const StderrSink&) = delete;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (journal_) {
      const int priority = message.level == spdlog::level::err    ? 3
                           : message.level == spdlog::level::warn ? 4
                           : message.level == spdlog::level::info ? 6
                                                                  : 7;
      absl::StrAppend(&lines_, "<", priority, ">");
    }
    lines_.append(message.payload.data(), message.payload.size());
    lines_.push_back('\n');
    // One system call for all lines that wait, not one for each.
    if (lines_.size() >= kWrittenAtOnce || pool_.queue_size() == 0) Write();
  }
  void flush_() override { Write(); }

 private:
  void Write() {
    // Lines that can not be written are lost, as on any full disk. Not by stdio: its lock would outlive a stuck write.
    for (absl::string_view left = lines_; !left.empty();) {
      const ssize_t written = ::write(STDERR_FILENO, left.data(), left.size());
      if (written < 0 && errno != EINTR) break;
      left.remove_prefix(written < 0 ? 0 : static_cast<size_t>(written));
    }
    lines_.clear();
    // Wait a moment: the next lines then need not wake this thread one by one.
    std::this_thread::sleep_for(kLinger);
  }

  static constexpr std::chrono::milliseconds kLinger{1};
  static constexpr size_t kWrittenAtOnce = 65536;
  const bool journal_;
  spdlog::details::thread_pool& pool_;
  std::string lines_;
};

struct Voice {
  std::string program = "verifyd";
  bool only_warnings = false;
};

Voice& TheVoice() {
  static auto& voice = *new Voice;
  return voice;
}

std::function<std::string(absl::string_view line)>& TheFilter() {
  static auto& filter = *new std::function<std::string(absl::string_view line)>;
  return filter;
}

}  // namespace

bool IsSyslogFacility(absl::string_view name) {
  for (const Facility& facility : kFacilities) {
    if (facility.name == name) return true;
  }
  return false;
}

void StartLog(const LogOptions& options) {
  StopLog();
  State& state = TheState();
  state.pool = std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1);
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (options.to_syslog) {
    int number = LOG_MAIL;
    for (const Facility& facility : kFacilities) {
      if (facility.name == options.facility) number = facility.number;
    }
    sink = std::make_shared<spdlog::sinks::syslog_sink_mt>(options.ident, LOG_PID, number, /*enable_formatting=*/false);
  } else {
    sink = std::make_shared<StderrSink>(*state.pool);
  }
  state.end = std::make_shared<EndSink>();
  const spdlog::sinks_init_list sinks = {std::move(sink), state.end};
  state.logger = std::make_shared<spdlog::async_logger>("verifyd", sinks, state.pool,
                                                        spdlog::async_overflow_policy::overrun_oldest);
  state.logger->set_level(options.debug ? spdlog::level::debug : spdlog::level::info);
  debug_logged = options.debug;
  active_logger = state.logger.get();
}

void StopLog(absl::Duration limit) {
  active_logger = nullptr;
  State stopped = std::exchange(TheState(), State());
  if (stopped.logger == nullptr) return;
  stopped.logger->flush();
  if (stopped.end->Await(limit)) return;  // and the log thread is joined
  // It is stuck in a write, so joining it would wait for ever.
  static auto& left_behind = *new std::vector<State>;
  left_behind.push_back(std::move(stopped));
}

uint64_t LogLinesDropped() {
  const State& state = TheState();
  return state.pool == nullptr ? 0 : state.pool->overrun_counter();
}

bool DebugLogged() { return debug_logged.load(std::memory_order_relaxed); }

void SetLogFilter(std::function<std::string(absl::string_view line)> filter) { TheFilter() = std::move(filter); }

bool LogFiltered() { return TheFilter() != nullptr; }

void SpeakAs(absl::string_view program) { TheVoice() = {.program = std::string(program), .only_warnings = true}; }

void Log(LogLevel level, absl::string_view line) {
  if (level == LogLevel::kDebug && !DebugLogged()) return;
  std::string filtered;
  if (TheFilter() != nullptr) {
    filtered = TheFilter()(line);
    line = filtered;
  }
  if (TheCapture().on.load(std::memory_order_acquire)) {
    const std::lock_guard<std::mutex> lock(TheCapture().mutex);
    TheCapture().lines.push_back(absl::StrCat(LevelWord(level), line));
    return;
  }
  const absl::string_view word = LevelWord(level);
  spdlog::logger* const logger = active_logger.load(std::memory_order_acquire);
  if (logger == nullptr) {
    const Voice& voice = TheVoice();
    if (voice.only_warnings && word.empty()) return;
    const std::string whole = absl::StrCat(voice.program, ": ", word, line, "\n");
    std::fwrite(whole.data(), 1, whole.size(), stderr);
    return;
  }
  if (word.empty()) {
    logger->log(SpdlogLevel(level), spdlog::string_view_t(line.data(), line.size()));
  } else {
    const std::string whole = absl::StrCat(word, line);
    logger->log(SpdlogLevel(level), spdlog::string_view_t(whole.data(), whole.size()));
  }
}

CapturedLog::CapturedLog() {
  const std::lock_guard<std::mutex> lock(TheCapture().mutex);
  TheCapture().lines.clear();
  TheCapture().on = true;
}

CapturedLog::~CapturedLog() { TheCapture().on = false; }

std::vector<std::string> CapturedLog::lines() const {
  const std::lock_guard<std::mutex> lock(TheCapture().mutex);
  return TheCapture().lines;
}

bool CapturedLog::Contains(absl::string_view part) const {
  for (const std::string& line : lines()) {
    if (absl::StrContains(line, part)) return true;
  }
  return false;
}

}  // namespace verifyd
