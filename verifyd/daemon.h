// The daemon: all rooms put together, and their life from start to drain.
//
// Thread: main. The front loop runs on the thread that calls Run, the prober loop on one of the daemon's own, and so
// does the loop on which settings and tables are read: nobody waits for an answer because of them.
#ifndef VERIFYD_VERIFYD_DAEMON_H_
#define VERIFYD_VERIFYD_DAEMON_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "verifyd/configuration.h"
#include "verifyd/setting_syntax.h"

namespace verifyd {

struct DaemonOptions {
  std::string settings_file;
  std::vector<Assignment> assignments;  // -o
  std::string user;                     // empty: stay who we are
};

class Daemon {
 public:
  // `configuration` is what `options` say, loaded already.
  Daemon(Configuration configuration, DaemonOptions options);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Opens the sockets (or takes over those of the service manager), gives up privileges, opens the cache. Errors name
  // what could not be had. A cache that can not be used is none: it is logged, and answers are kept in memory.
  absl::Status Start();

  // Serves until SIGTERM or SIGINT, then answers what is under way and ends. SIGHUP reloads the settings. A second
  // SIGTERM ends at once.
  void Run();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DAEMON_H_
