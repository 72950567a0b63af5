// verifyd: the command line. See man/verifyd.8.
#include <pthread.h>
#include <sys/mman.h>
#include <sysexits.h>

#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/clock.h"
#include "base/input_file.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/store_check.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/configuration/last_good_settings.h"
#include "verifyd/configuration/stopgap_settings.h"
#include "verifyd/daemon.h"
#include "verifyd/doctor/self_examination.h"
#include "verifyd/doctor/settings_examination.h"
#include "verifyd/service_manager.h"
#include "verifyd/settings/setting_syntax.h"

// jemalloc(3) reads this when it starts. Memory that TLS handshakes leave behind goes back to the system after two
// seconds, not ten: under load, thousands of sessions begin in that time.
extern "C" {
extern const char* malloc_conf;  // NOLINT(readability-redundant-declaration)
const char* malloc_conf = "dirty_decay_ms:2000";
}

namespace verifyd {
namespace {

struct CommandLine {
  DaemonOptions daemon;
  bool check = false;
  std::string check_cache;
  bool debug = false;
};

int Complain(int exit_code, absl::string_view what) {
  for (const absl::string_view line : absl::StrSplit(what, '\n')) LogError(line);
  return exit_code;
}

int Check(const Configuration& configuration) {
  for (const std::string& warning : configuration.warnings) LogWarning(warning);
  Examinations found = ExamineSettings(configuration, Clock::Real().Now(), ClockSynchronised());
  for (Examination& at_home : ExamineSelf(configuration)) found.push_back(std::move(at_home));
  for (const Examination& examination : found) {
    if (examination.health == Health::kOk || examination.health == Health::kNotExamined) continue;
    LogWarning(absl::StrCat(examination.name, examination.about.empty() ? "" : " ", Printable(examination.about, 300),
                            ": ", Printable(examination.found, 300), ". ", examination.remedy));
  }
  std::printf("settings are valid\n");
  return EX_OK;
}

int CheckCache(const std::string& file) {
  absl::Status status = CheckInputFile(file);
  const bool readable = status.ok();
  if (readable) status = CheckStore(file);
  if (status.ok()) {
    std::printf("%s: sound\n", file.c_str());
    return EX_OK;
  }
  std::fprintf(stderr, "verifyd: %s\n", std::string(status.message()).c_str());
  if (!readable) return absl::IsPermissionDenied(status) ? EX_NOPERM : EX_NOINPUT;
  return absl::IsDataLoss(status) ? 1 : EX_DATAERR;
}

// While one lives, signals wait. Between two daemons nothing heeds them, and a hangup would be the end.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int number : {SIGHUP, SIGINT, SIGTERM}) sigaddset(&signals, number);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

 private:
  sigset_t before_ = {};
};

// Returns the configuration that stands in for settings that can not be used.
Configuration StandInFor(const DaemonOptions& options) {
  Configuration stopgap = LoadStopgap(options.settings_file, options.assignments);
  absl::StatusOr<Configuration> last_good =
      LoadLastGoodSettings(stopgap.settings->Text("data_directory"), options.settings_file);
  if (last_good.ok()) return *std::move(last_good);
  if (!absl::IsNotFound(last_good.status())) {
    LogError(absl::StrCat("nor can those of before: ", last_good.status().message()));
  }
  return stopgap;
}

// Runs a daemon until it ends, or begins anew. Afterwards the daemon and its log are gone, and signals wait.
int RunDaemon(const DaemonOptions& options, bool debug, std::optional<Configuration>& configuration, std::string wrong,
              std::optional<SignalsWait>& signals_wait) {
  LogOptions log = configuration->log;
  log.debug = debug;
  StartLog(log);
  int exit_code = EX_OK;
  {
    Daemon daemon(*std::exchange(configuration, std::nullopt), options, std::move(wrong));
    signals_wait.reset();
    if (const absl::Status status = daemon.Start(); status.ok()) {
      configuration = daemon.Run();
    } else {
      exit_code = Complain(EX_UNAVAILABLE, status.message());
    }
    signals_wait.emplace();
  }
  StopLog();
  return exit_code;
}

// Address space that a start takes, with the stacks and heaps of its threads.
constexpr size_t kRoomToStart = size_t{224} << 20;

// jemalloc ends the program where a new thread can not have a heap of its own, so that is found out before.
bool HasRoomToStart() {
  void* const room = ::mmap(nullptr, kRoomToStart, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return room != MAP_FAILED && ::munmap(room, kRoomToStart) == 0;
}

int Serve(const CommandLine& command_line) {
  if (!HasRoomToStart()) {
    return Complain(EX_UNAVAILABLE,
                    "memory can not be had: a start takes 224 MiB of address space (ulimit -v, LimitAS=)");
  }
  // Our parent may have chosen not to hear of its children's ends.
  std::signal(SIGCHLD, SIG_DFL);
  DaemonOptions options = command_line.daemon;
  options.inherited = TakeInheritedSockets();
  absl::StatusOr<Configuration> loaded = Configuration::Load(options.settings_file, options.assignments);
  std::string wrong;
  std::optional<Configuration> configuration;
  if (loaded.ok()) {
    configuration = *std::move(loaded);
  } else {
    wrong = std::string(loaded.status().message());
    if (!HasServiceManager() && options.inherited.empty()) return Complain(EX_CONFIG, wrong);
    configuration = StandInFor(options);
  }
  // Signals wait from the first: the log's thread has them wait for ever, and outlives each daemon for a moment.
  std::optional<SignalsWait> signals_wait(std::in_place);
  int exit_code = EX_OK;
  while (configuration.has_value()) {
    exit_code = RunDaemon(options, command_line.debug, configuration, std::exchange(wrong, ""), signals_wait);
  }
  return exit_code;
}

int Run(const CommandLine& command_line) {
  if (!command_line.check_cache.empty()) return CheckCache(command_line.check_cache);
  if (!command_line.check) return Serve(command_line);
  const absl::StatusOr<Configuration> configuration =
      Configuration::Load(command_line.daemon.settings_file, command_line.daemon.assignments);
  if (!configuration.ok()) return Complain(EX_CONFIG, configuration.status().message());
  return Check(*configuration);
}

// Catches what the libraries throw where memory, threads or descriptors can not be had.
int RunOrSayWhyNot(const CommandLine& command_line) {
  try {
    return Run(command_line);
  } catch (const std::exception& error) {
    const int exit_code = Complain(
        EX_UNAVAILABLE, absl::StrCat("memory, or another thing that is limited, can not be had: ", error.what()));
    StopLog();
    return exit_code;
  }
}

int Main(int argc, char** argv) {
  CommandLine command_line;
  std::vector<std::string> assignments;
  command_line.daemon.settings_file = "/etc/verifyd/verifyd.cf";
  command_line.daemon.version = VERIFYD_VERSION;
  CLI::App app{"verifyd: address verification daemon for mail gateways"};
  app.set_version_flag("--version", "verifyd " VERIFYD_VERSION);
  app.add_option("-c,--config", command_line.daemon.settings_file, "Settings file")->capture_default_str();
  app.add_option("-o", assignments, "NAME=VALUE: a setting that wins over the file; may be repeated")
      ->allow_extra_args(false);
  app.add_flag("--check", command_line.check, "Check the settings and exit: 0, or 78 when they are not valid");
  app.add_option("--check-cache", command_line.check_cache,
                 "Read a cache file from end to end and exit: 0, 1 when it is damaged, 65 when it is no cache")
      ->type_name("FILE");
  app.add_option("--user", command_line.daemon.user, "Become this user once the sockets are open");
  app.add_flag("-v,--verbose", command_line.debug, "Log more");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? EX_OK : EX_USAGE;
  }
  for (const std::string& text : assignments) {
    absl::StatusOr<Assignment> assignment = ParseSettingOption(text);
    if (!assignment.ok()) return Complain(EX_USAGE, assignment.status().message());
    command_line.daemon.assignments.push_back(*std::move(assignment));
  }
  return RunOrSayWhyNot(command_line);
}

}  // namespace
}  // namespace verifyd

int main(int argc, char** argv) { return verifyd::Main(argc, argv); }
