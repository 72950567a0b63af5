// verifyd: the command line. See man/verifyd.8.
#include <sysexits.h>

#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/input_file.h"
#include "base/log.h"
#include "base/text.h"
#include "cache/store_check.h"
#include "verifyd/configuration.h"
#include "verifyd/daemon.h"
#include "verifyd/doctor/settings_examination.h"
#include "verifyd/setting_syntax.h"

// Read by jemalloc(3) when it starts: under load, what handshakes in TLS leave behind goes back to the system after two
// seconds, not ten, in which thousands of sessions begin.
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
  LogError(what);
  return exit_code;
}

int Check(const Configuration& configuration) {
  for (const std::string& warning : configuration.warnings) LogWarning(warning);
  for (const Examination& examination : ExamineSettings(configuration, Clock::Real().Now(), ClockSynchronised())) {
    LogWarning(absl::StrCat(examination.name, ": ", Printable(examination.found, 300), ". ", examination.remedy));
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

int Run(const CommandLine& command_line) {
  if (!command_line.check_cache.empty()) return CheckCache(command_line.check_cache);
  absl::StatusOr<Configuration> configuration =
      Configuration::Load(command_line.daemon.settings_file, command_line.daemon.assignments);
  if (!configuration.ok()) return Complain(EX_CONFIG, configuration.status().message());
  if (command_line.check) return Check(*configuration);
  LogOptions log = configuration->log;
  log.debug = command_line.debug;
  StartLog(log);
  int exit_code = EX_OK;
  {
    Daemon daemon(*std::move(configuration), command_line.daemon);
    if (const absl::Status status = daemon.Start(); status.ok()) {
      daemon.Run();
    } else {
      exit_code = Complain(EX_UNAVAILABLE, status.message());
    }
  }
  StopLog();
  return exit_code;
}

// What the libraries throw where memory, threads or descriptors are not to be had.
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
