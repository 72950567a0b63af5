// The state of the daemon as monitoring wants it: what it is, and what is wrong with it.
//
// Thread: any (values, pure functions).
#ifndef VERIFYD_VERIFYD_STATUS_H_
#define VERIFYD_VERIFYD_STATUS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/bounds.h"
#include "cache/cache.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/json/shown_status.h"

namespace verifyd {

struct DoorStatus {
  std::string name;                  // "policy"
  std::vector<std::string> sockets;  // that it serves
  std::vector<std::string> missing;  // that it should serve and can not, with the reason
  size_t connections = 0;
};

// The part that only the daemon itself knows.
struct DaemonStatus {
  std::string version;
  absl::Time started = absl::InfinitePast();
  std::vector<DoorStatus> doors;  // those that have sockets, or should
  std::string settings_file;
  std::string wrong_settings;                     // why the settings can not be used; empty: they can
  absl::Time last_reload = absl::InfinitePast();  // tried; InfinitePast: never
  std::string reload_error;                       // of the last one; the earlier settings stayed in force
  std::vector<std::string> waits_for_restart;     // settings that a reload has changed and only a restart puts in force
  std::vector<std::string> alarms;                // raised now (probe/alarms.h)
  uint64_t log_lines_dropped = 0;
};

struct Status {
  DaemonStatus daemon;
  StandIn stand_in = StandIn::kNone;
  std::string postfix_directory;  // its main.cf is a source of settings, too; empty: none
  std::string postfix_error;      // why it can not be asked; empty: it can, or there is none
  std::string cache_map;          // "lmdb:/var/lib/verifyd/verify_cache"; empty: memory only, as wished
  CacheCounts cache;
  Bounds bounds;
  bool every_domain = false;               // verify_domains = *
  size_t domains = 0;                      // names in verify_domains, and routes
  std::vector<std::string> broken_tables;  // why each can not be read
  size_t routes = 0;                       // of these, lines of address_verify_transport_maps
  bool asked_by_postfix = false;           // the verify socket is served: Postfix chooses whom it asks about
  bool dry_run = false;
  std::vector<std::string> doubted;  // destinations, each with the reason
  std::vector<std::string> held;     // destinations and "@domain"
};

// Returns the daemon's part, with what its settings and its cache say.
Status StatusOf(DaemonStatus daemon, const Configuration& configuration, Cache& cache, absl::Time now);

// For monitoring: the exit code of a check.
enum class StatusLevel : uint8_t { kOk = 0, kWarning = 1, kCritical = 2 };

struct Remark {
  StatusLevel level = StatusLevel::kOk;  // kOk: worth knowing
  std::string text;                      // printable, a line
};

// Returns everything that is worth a remark, the worst first.
//
// Critical: the daemon verifies nothing, or a door is closed. Warning: it goes on without something that somebody has
// to mend.
std::vector<Remark> Judge(const Status& status);
StatusLevel LevelOf(const std::vector<Remark>& remarks);
// "OK", "WARNING", "CRITICAL".
absl::string_view StatusLevelName(StatusLevel level);

// The first line of a check: "verifyd WARNING - cache ... is full; ...", or with doors, records and domains where all
// is well.
std::string StatusSummary(const Status& status, const std::vector<Remark>& remarks);
// The log's line at the start: version, doors, cache, domains, and where the settings came from.
std::string StartLine(const Status& status);
// All of it, with level, summary and remarks.
ShownStatus Shown(const Status& status, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_STATUS_H_
