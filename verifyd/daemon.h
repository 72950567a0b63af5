// The daemon: all rooms put together, and their life from start to drain.
//
// A service manager (NOTIFY_SOCKET, LISTEN_FDS) may hold sockets at which a client waits without end while nothing
// answers: Postfix waits so at the socket of verify(8). So a daemon that has one also starts where its settings can not
// be used (Configuration::stand_in). It says so every minute, reads them again by itself, and begins anew with them
// once they are right. Without a service manager such settings are an error that ends it.
//
// Thread: main. The front loop runs on the thread that calls Run. The prober loop, and the loop on which settings and
// tables are read, have threads of the daemon's own, so that no client waits because of them.
#ifndef VERIFYD_VERIFYD_DAEMON_H_
#define VERIFYD_VERIFYD_DAEMON_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/service_manager.h"
#include "verifyd/settings/setting_syntax.h"

namespace verifyd {

struct DaemonOptions {
  std::string settings_file;
  std::vector<Assignment> assignments;  // -o
  // Empty: stay who we are; root becomes the owner of data_directory, if that is another user.
  std::string user;
  std::string version;
  // Listening sockets that were handed over. They stay open, whatever becomes of a Daemon.
  std::vector<InheritedSocket> inherited;
};

class Daemon {
 public:
  // `configuration` is loaded from `options`. If it stands in for settings that can not be used, `wrong` says why, a
  // line for each error.
  Daemon(Configuration configuration, DaemonOptions options, std::string wrong = "");
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Opens the sockets (or takes over those of the service manager), gives up privileges, opens the cache. Errors name
  // what could not be had. Where the cache can not be used, that is logged, and answers are kept in memory. Where
  // sockets were handed over, others that can not be had are logged, and tried again every minute.
  absl::Status Start();

  // Serves until SIGTERM or SIGINT, then answers what is under way and ends. SIGHUP reloads the settings. A second
  // SIGTERM ends at once. Returns the settings to begin anew with, where it was started with settings that stand in.
  std::optional<Configuration> Run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DAEMON_H_
