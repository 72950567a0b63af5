// The state of the daemon as the control socket shows it, and the answer to a reload.
//
// Thread: any (values).
#ifndef VERIFYD_VERIFYD_JSON_SHOWN_STATUS_H_
#define VERIFYD_VERIFYD_JSON_SHOWN_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/json/described.h"

namespace verifyd {

struct ShownRemark {
  int level = 0;  // 0: worth knowing, 1: a warning, 2: critical
  std::string text;
};
BOOST_DESCRIBE_STRUCT(ShownRemark, (), (level, text))

struct ShownDoor {
  std::string door;
  std::vector<std::string> sockets;
  uint64_t connections = 0;
  Sparse<std::vector<std::string>> missing;  // that it should serve and can not, with the reason
};
BOOST_DESCRIBE_STRUCT(ShownDoor, (), (door, sockets, connections, missing))

struct ShownCacheState {
  std::string map;
  bool persistent = false;
  uint64_t records = 0;
  uint64_t domains = 0;
  uint64_t file_bytes = 0;
  uint64_t evicted = 0;
  uint64_t write_errors = 0;
  uint64_t uncommitted = 0;
  std::string write_error;
};
BOOST_DESCRIBE_STRUCT(ShownCacheState, (),
                      (map, persistent, records, domains, file_bytes, evicted, write_errors, uncommitted, write_error))

struct ShownSettingsState {
  Always<std::string> file;
  std::string postfix;         // the folder of the main.cf that is a source of settings, too
  absl::string_view in_force;  // file, last_good, stopgap
  Sparse<std::vector<std::string>> wrong;
  absl::Time last_reload = absl::InfinitePast();
  std::string reload_error;
  Sparse<std::vector<std::string>> wait_for_restart;
};
BOOST_DESCRIBE_STRUCT(ShownSettingsState, (),
                      (file, postfix, in_force, wrong, last_reload, reload_error, wait_for_restart))

struct ShownStatus {
  int level = 0;  // the worst of the remarks
  std::string summary;
  std::vector<ShownRemark> remarks;
  std::string version;
  absl::Time started = absl::InfinitePast();
  int64_t uptime_s = 0;
  std::vector<ShownDoor> doors;
  std::optional<ShownCacheState> cache;
  std::variant<uint64_t, absl::string_view> domains;  // how many, or "*"
  uint64_t routes = 0;
  std::vector<std::string> alarms;
  std::vector<std::string> not_believed;
  std::vector<std::string> on_hold;
  std::optional<ShownSettingsState> settings;
  bool dry_run = false;
  uint64_t log_lines_dropped = 0;
};
BOOST_DESCRIBE_STRUCT(ShownStatus, (),
                      (level, summary, remarks, version, started, uptime_s, doors, cache, domains, routes, alarms,
                       not_believed, on_hold, settings, dry_run, log_lines_dropped))

struct ShownReload {
  bool reloaded = false;
  std::vector<std::string> warnings;
  std::vector<std::string> wait_for_restart;
};
BOOST_DESCRIBE_STRUCT(ShownReload, (), (reloaded, warnings, wait_for_restart))

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_SHOWN_STATUS_H_
