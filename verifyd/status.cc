#include "verifyd/status.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kShown = 300;

std::string Count(uint64_t number, absl::string_view one, absl::string_view many) {
  return absl::StrCat(number, " ", number == 1 ? one : many);
}

// Returns the first of several lines, and how many follow.
std::string FirstOf(absl::string_view lines) {
  const std::vector<absl::string_view> each = absl::StrSplit(lines, '\n', absl::SkipEmpty());
  if (each.empty()) return "";
  const std::string first = Printable(each[0], kShown);
  return each.size() == 1 ? first : absl::StrCat(first, " (and ", each.size() - 1, " more)");
}

std::string DoorsText(const Status& status) {
  std::vector<std::string> doors;
  for (const DoorStatus& door : status.daemon.doors) {
    if (!door.sockets.empty()) doors.push_back(absl::StrCat(door.name, " ", absl::StrJoin(door.sockets, " ")));
  }
  return doors.empty() ? "no door" : absl::StrJoin(doors, ", ");
}

std::string CacheText(const Status& status) {
  const std::string records = Count(status.cache.records, "record", "records");
  if (status.cache.persistent) return absl::StrCat("cache ", status.cache_map, " (", records, ")");
  return absl::StrCat("cache in memory only (", records, ")");
}

std::string DomainsText(const Status& status) {
  return status.every_domain ? "every domain" : Count(status.domains, "domain", "domains");
}

std::string SourcesText(const Status& status) {
  if (status.stand_in == StandIn::kLastGood) return "settings of before";
  if (status.stand_in == StandIn::kStopgap) return "a stopgap for settings";
  return absl::StrCat("settings ", status.daemon.settings_file, status.postfix_directory.empty() ? "" : " and ",
                      status.postfix_directory);
}

void JudgeSettings(const Status& status, std::vector<Remark>& remarks) {
  const DaemonStatus& daemon = status.daemon;
  const std::string wrong = FirstOf(daemon.wrong_settings);
  if (status.stand_in == StandIn::kStopgap) {
    remarks.push_back({StatusLevel::kCritical, absl::StrCat("nothing is verified: settings can not be used: ", wrong)});
  } else if (!wrong.empty()) {
    remarks.push_back(
        {StatusLevel::kWarning, absl::StrCat("settings can not be used, those of before are in force: ", wrong)});
  } else if (!daemon.reload_error.empty()) {
    remarks.push_back(
        {StatusLevel::kWarning,
         absl::StrCat("the last reload failed, the settings of before are in force: ", FirstOf(daemon.reload_error))});
  }
  if (!status.postfix_error.empty()) {
    const bool nothing = status.postfix_directory.empty();
    remarks.push_back({nothing ? StatusLevel::kCritical : StatusLevel::kWarning,
                       absl::StrCat(Printable(status.postfix_error, kShown), "; it is tried again every minute, ",
                                    nothing ? "and what its tables decide about is not verified"
                                            : "what was taken before is in force")});
  }
  if (!daemon.waits_for_restart.empty()) {
    remarks.push_back(
        {StatusLevel::kWarning, absl::StrCat("changed, and in force after a restart only: ",
                                             Printable(absl::StrJoin(daemon.waits_for_restart, ", "), kShown))});
  }
}

// Remarks on what leaves addresses unverified, although all doors are open.
void JudgeRoutes(const Status& status, std::vector<Remark>& remarks) {
  constexpr size_t kMost = 5;
  std::vector<std::string> all = status.daemon.alarms;
  for (const std::string& table : status.broken_tables) {
    const bool raised = absl::c_any_of(all, [&](absl::string_view alarm) { return absl::StartsWith(alarm, table); });
    if (!raised) all.push_back(absl::StrCat(table, "; addresses that it is needed for are not verified"));
  }
  for (size_t i = 0; i < std::min(all.size(), kMost); ++i) {
    remarks.push_back({StatusLevel::kWarning, Printable(all[i], kShown)});
  }
  if (all.size() > kMost) {
    remarks.push_back({StatusLevel::kWarning, absl::StrCat("and ", all.size() - kMost, " alarms more")});
  }
}

// Returns why tables can not be read: a BrokenTable stands in the place of each.
std::vector<std::string> BrokenTables(const ProbeSettings& probe) {
  std::vector<std::string> broken;
  const auto look = [&](const Table& table) {
    const BrokenTable* const found = table.remote().has_value() ? std::get_if<BrokenTable>(&*table.remote()) : nullptr;
    if (found == nullptr) return;
    std::string why(found->why.message());
    if (!absl::c_linear_search(broken, why)) broken.push_back(std::move(why));
  };
  for (const auto& table : probe.transport_maps) look(*table->table());
  for (const auto* tables :
       {&probe.virtual_alias_maps, &probe.canonical_maps, &probe.recipient_canonical_maps, &probe.relayhost_maps}) {
    for (const auto& table : *tables) look(*table);
  }
  return broken;
}

void JudgeDoors(const Status& status, std::vector<Remark>& remarks) {
  for (const DoorStatus& door : status.daemon.doors) {
    for (const std::string& missing : door.missing) {
      remarks.push_back(
          {StatusLevel::kCritical, absl::StrCat(door.name, " is not served: ", Printable(missing, kShown))});
    }
  }
  const bool nothing = !status.every_domain && status.domains == 0 && !status.asked_by_postfix;
  if (nothing && status.stand_in != StandIn::kStopgap) {
    remarks.push_back({StatusLevel::kWarning, "nothing is verified: verify_domains is empty"});
  }
}

void JudgeCache(const Status& status, std::vector<Remark>& remarks) {
  const CacheCounts& cache = status.cache;
  if (status.cache_map.empty()) return;
  if (!cache.persistent) {
    remarks.push_back({StatusLevel::kWarning,
                       absl::StrCat("cache ", status.cache_map, " can not be used: answers are kept in memory only")});
    return;
  }
  if (!cache.write_error.empty()) {
    remarks.push_back({StatusLevel::kWarning, absl::StrCat("cache could not be written, ",
                                                           Count(cache.uncommitted, "change lives", "changes live"),
                                                           " in memory only: ", Printable(cache.write_error, kShown))});
  }
  const Bounds& bounds = status.bounds;
  if ((bounds.entries > 0 && cache.records >= bounds.entries) ||
      (bounds.bytes > 0 && cache.used_bytes >= bounds.bytes)) {
    remarks.push_back({StatusLevel::kWarning,
                       absl::StrCat("cache is full (", Count(cache.records, "record", "records"),
                                    "): what is needed least is forgotten; see address_verify_cache_max_entries and "
                                    "address_verify_cache_max_size")});
  }
}

void JudgeDestinations(const Status& status, std::vector<Remark>& remarks) {
  if (!status.doubted.empty()) {
    remarks.push_back(
        {StatusLevel::kWarning,
         absl::StrCat(Count(status.doubted.size(), "destination is", "destinations are"),
                      " not believed: ", Printable(status.doubted.front(), kShown), "; see verifyctl destinations")});
  }
  if (!status.held.empty()) {
    remarks.push_back(
        {StatusLevel::kOk, absl::StrCat("on hold: ", Printable(absl::StrJoin(status.held, ", "), kShown))});
  }
  if (status.dry_run) remarks.push_back({StatusLevel::kOk, "dry run: nothing is refused"});
  if (status.daemon.log_lines_dropped > 0) {
    remarks.push_back({StatusLevel::kOk, absl::StrCat(Count(status.daemon.log_lines_dropped, "line", "lines"),
                                                      " of the log lost: nobody read it fast enough")});
  }
}

std::vector<std::string> Cut(const std::vector<std::string>& texts) {
  std::vector<std::string> cut;
  for (const std::string& text : texts) cut.push_back(Printable(text, kShown));
  return cut;
}

std::vector<ShownDoor> Shown(const std::vector<DoorStatus>& doors) {
  std::vector<ShownDoor> shown;
  for (const DoorStatus& door : doors) {
    shown.push_back({.door = door.name,
                     .sockets = Cut(door.sockets),
                     .connections = door.connections,
                     .missing = Cut(door.missing)});
  }
  return shown;
}

ShownCacheState ShownCacheOf(const Status& status) {
  return {.map = status.cache_map,
          .persistent = status.cache.persistent,
          .records = status.cache.records,
          .domains = status.cache.domains,
          .file_bytes = status.cache.file_bytes,
          .evicted = status.cache.evicted,
          .write_errors = status.cache.write_errors,
          .uncommitted = status.cache.uncommitted,
          .write_error = Printable(status.cache.write_error, kShown)};
}

ShownSettingsState ShownSettingsOf(const Status& status) {
  const DaemonStatus& daemon = status.daemon;
  return {.file = daemon.settings_file,
          .postfix = status.postfix_directory,
          .in_force = status.stand_in == StandIn::kStopgap    ? "stopgap"
                      : status.stand_in == StandIn::kLastGood ? "last_good"
                                                              : "file",
          .wrong = Cut(absl::StrSplit(daemon.wrong_settings, '\n', absl::SkipEmpty())),
          .last_reload = daemon.last_reload,
          .reload_error = daemon.reload_error.empty() ? "" : std::string(FirstOf(daemon.reload_error)),
          .wait_for_restart = Cut(daemon.waits_for_restart)};
}

}  // namespace

Status StatusOf(DaemonStatus daemon, const Configuration& configuration, Cache& cache, absl::Time now) {
  Status status{.daemon = std::move(daemon),
                .stand_in = configuration.stand_in,
                .cache_map = configuration.cache.map_name,
                .cache = cache.counts(),
                .bounds = configuration.cache.bounds,
                .every_domain = configuration.verifier->verify_domains.all(),
                .domains = configuration.verifier->verify_domains.size(),
                .dry_run = configuration.restrictions->dry_run};
  if (const auto& postfix = configuration.settings->postfix(); postfix != nullptr) {
    status.postfix_directory = postfix->directory;
  }
  status.postfix_error = configuration.settings->postfix_error();
  for (const auto& table : configuration.probe->transport_maps) status.routes += table->size();
  // A remark on Postfix covers all of its tables already.
  if (status.postfix_error.empty()) status.broken_tables = BrokenTables(*configuration.probe);
  status.asked_by_postfix = absl::c_any_of(
      status.daemon.doors, [](const DoorStatus& door) { return door.name == "verify" && !door.sockets.empty(); });
  for (const DestinationState& state : cache.LoadDestinationStates()) {
    const bool doubted = state.trust.doubt != Doubt::kNone;
    if (doubted) status.doubted.push_back(absl::StrCat(state.name, " (", state.trust.why, ")"));
    if (state.held_until > now) status.held.push_back(state.name);
  }
  for (const DomainBreaker& breaker : cache.LoadDomainBreakers()) {
    if (breaker.trust.doubt == Doubt::kNone) continue;
    status.doubted.push_back(absl::StrCat(breaker.Name(), " (", breaker.trust.why, ")"));
  }
  for (const auto& [domain, hold] : cache.ListHolds(now)) status.held.push_back(absl::StrCat("@", domain));
  return status;
}

std::vector<Remark> Judge(const Status& status) {
  std::vector<Remark> remarks;
  JudgeSettings(status, remarks);
  JudgeRoutes(status, remarks);
  JudgeDoors(status, remarks);
  JudgeCache(status, remarks);
  JudgeDestinations(status, remarks);
  absl::c_stable_sort(remarks, [](const Remark& a, const Remark& b) { return a.level > b.level; });
  return remarks;
}

StatusLevel LevelOf(const std::vector<Remark>& remarks) {
  StatusLevel worst = StatusLevel::kOk;
  for (const Remark& remark : remarks) worst = std::max(worst, remark.level);
  return worst;
}

absl::string_view StatusLevelName(StatusLevel level) {
  switch (level) {
    case StatusLevel::kOk:
      return "OK";
    case StatusLevel::kWarning:
      return "WARNING";
    case StatusLevel::kCritical:
      break;
  }
  return "CRITICAL";
}

std::string StatusSummary(const Status& status, const std::vector<Remark>& remarks) {
  std::vector<std::string> said;
  for (const Remark& remark : remarks) {
    if (remark.level != StatusLevel::kOk) said.push_back(remark.text);
  }
  if (said.empty()) said = {DoorsText(status), CacheText(status), DomainsText(status)};
  return absl::StrCat("verifyd ", StatusLevelName(LevelOf(remarks)), " - ",
                      absl::StrJoin(said, LevelOf(remarks) == StatusLevel::kOk ? ", " : "; "));
}

std::string StartLine(const Status& status) {
  return absl::StrCat("verifyd ", status.daemon.version, ": ", DoorsText(status), ", ", CacheText(status), ", ",
                      DomainsText(status), ", ", SourcesText(status));
}

ShownStatus Shown(const Status& status, absl::Time now) {
  const DaemonStatus& daemon = status.daemon;
  const std::vector<Remark> remarks = Judge(status);
  ShownStatus shown{.level = static_cast<int>(LevelOf(remarks)),
                    .summary = StatusSummary(status, remarks),
                    .version = daemon.version,
                    .started = daemon.started,
                    .uptime_s = absl::ToInt64Seconds(now - daemon.started),
                    .doors = Shown(daemon.doors),
                    .cache = ShownCacheOf(status),
                    .domains = uint64_t{status.domains},
                    .routes = status.routes,
                    .alarms = Cut(daemon.alarms),
                    .not_believed = Cut(status.doubted),
                    .on_hold = Cut(status.held),
                    .settings = ShownSettingsOf(status),
                    .dry_run = status.dry_run,
                    .log_lines_dropped = daemon.log_lines_dropped};
  if (status.every_domain) shown.domains = absl::string_view("*");
  for (const Remark& remark : remarks) {
    shown.remarks.push_back({.level = static_cast<int>(remark.level), .text = remark.text});
  }
  return shown;
}

}  // namespace verifyd
