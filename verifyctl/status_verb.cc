#include "verifyctl/status_verb.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "boost/json.hpp"
#include "verifyctl/answer.h"
#include "verifyctl/exit_code.h"
#include "verifyctl/result_text.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_status.h"

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr int kCritical = 2;
constexpr int kUnknown = 3;
// A daemon that says nothing for so long is as good as none.
constexpr absl::Duration kPatience = absl::Seconds(10);
// The lines that are shown of a long list.
constexpr size_t kShownLines = 5;

std::string Plural(uint64_t count, absl::string_view one) {
  return absl::StrCat(count, " ", one, count == 1 ? "" : "s");
}

// Writes a name, and lines beside it.
void PutLines(std::string& out, absl::string_view name, std::vector<std::string> lines) {
  const size_t left_out = lines.size() > kShownLines ? lines.size() - kShownLines : 0;
  lines.resize(lines.size() - left_out);
  if (left_out > 0) lines.push_back(absl::StrCat("and ", left_out, " more"));
  for (const std::string& line : lines) {
    absl::StrAppendFormat(&out, "  %-14s%s\n", name, line);
    name = "";
  }
}

std::vector<std::string> OrNone(std::vector<std::string> lines) {
  if (lines.empty()) lines.emplace_back("none");
  return lines;
}

std::vector<std::string> DoorLines(const std::vector<ShownDoor>& doors) {
  std::vector<std::string> lines;
  for (const ShownDoor& door : doors) {
    if (!door.sockets.empty()) {
      lines.push_back(
          absl::StrCat(door.door, " ", absl::StrJoin(door.sockets, " "), ", ", Plural(door.connections, "connection")));
    }
    for (const std::string& missing : door.missing.value) {
      lines.push_back(absl::StrCat(door.door, " not served: ", missing));
    }
  }
  return OrNone(std::move(lines));
}

std::vector<std::string> CacheLines(const ShownCacheState& cache) {
  std::string what = cache.persistent ? cache.map : "in memory only";
  absl::StrAppend(&what, ", ", Plural(cache.records, "record"), ", ", Plural(cache.domains, "domain"));
  if (cache.file_bytes > 0) absl::StrAppend(&what, ", ", (cache.file_bytes + 1023) / 1024, " KB");
  if (cache.write_errors > 0) {
    absl::StrAppend(&what, ", ", Plural(cache.write_errors, "change"), " not written since the start");
  }
  return {what};
}

std::vector<std::string> SettingsLines(const ShownSettingsState& settings) {
  std::string from = settings.file;
  if (!settings.postfix.empty()) absl::StrAppend(&from, " and ", settings.postfix);
  std::vector<std::string> lines;
  if (settings.in_force == "file") {
    lines.push_back(from);
  } else {
    lines.push_back(absl::StrCat(settings.in_force == "stopgap" ? "none that verify anything" : "those of before",
                                 ", because ", from, " can not be used:"));
    lines.insert(lines.end(), settings.wrong.value.begin(), settings.wrong.value.end());
  }
  if (const std::string when = ShownTime(settings.last_reload); !when.empty()) {
    lines.push_back(absl::StrCat("reloaded ", when, settings.reload_error.empty() ? "" : ": ", settings.reload_error));
  }
  const std::vector<std::string>& later = settings.wait_for_restart;
  if (!later.empty()) lines.push_back(absl::StrCat("after a restart only: ", absl::StrJoin(later, ", ")));
  return lines;
}

// Leaves out the remarks that the summary has already.
std::vector<std::string> RemarkLines(const ShownStatus& status) {
  std::vector<std::string> lines;
  for (const ShownRemark& remark : status.remarks) {
    if (remark.level == 0) lines.push_back(remark.text);
  }
  return lines;
}

}  // namespace

std::string StatusScreen(const ShownStatus& status) {
  std::string out = absl::StrCat(status.summary, "\n");
  PutLines(out, "version", {absl::StrCat(status.version, ", up for ", Rough(absl::Seconds(status.uptime_s)))});
  PutLines(out, "doors", DoorLines(status.doors));
  if (status.cache.has_value()) PutLines(out, "cache", CacheLines(*status.cache));
  const uint64_t* const domains = std::get_if<uint64_t>(&status.domains);
  PutLines(out, "domains",
           {absl::StrCat(domains != nullptr ? absl::StrCat(*domains) : std::string("every one"), ", ",
                         Plural(status.routes, "route"))});
  PutLines(out, "not believed", OrNone(status.not_believed));
  PutLines(out, "on hold", OrNone(status.on_hold));
  if (status.settings.has_value()) PutLines(out, "settings", SettingsLines(*status.settings));
  PutLines(out, "remarks", RemarkLines(status));
  return out;
}

int ShowStatus(bool as_json, Asker& asker, Console& console) {
  ApiRequest request;
  request.method = "GET";
  request.target = "/v1/status";
  asker.set_patience(kPatience);
  int level = kUnknown;
  // An error becomes the first line here, where monitoring looks.
  std::ostringstream complaint;
  Console quiet{.in = console.in, .out = console.out, .err = complaint, .clock = console.clock};
  const int code = Answer(asker, request, quiet, [&](absl::string_view line, const json::object& answer) {
    const auto status = FromJson<ShownStatus>(answer);
    level = status.level;
    console.out << (as_json ? absl::StrCat(line, "\n") : StatusScreen(status));
  });
  if (code == 0) return std::clamp(level, 0, kUnknown);
  level = code == kExitUnavailable ? kCritical : kUnknown;
  const std::string said = complaint.str();
  const absl::string_view why = absl::StripPrefix(absl::StripSuffix(said, "\n"), "verifyctl: ");
  if (as_json) {
    console.out << json::serialize(
                       json::object{{"level", level}, {"summary", json::string_view(why.data(), why.size())}})
                << "\n";
  } else {
    console.out << "verifyd " << (level == kCritical ? "CRITICAL" : "UNKNOWN") << " - " << why << "\n";
  }
  return level;
}

}  // namespace verifyd
