#include "verifyctl/status_verb.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
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

namespace verifyd {
namespace {

namespace json = boost::json;

constexpr int kCritical = 2;
constexpr int kUnknown = 3;
// A daemon that says nothing for so long is as good as none.
constexpr absl::Duration kPatience = absl::Seconds(10);
// The lines that are shown of a long list.
constexpr size_t kShownLines = 5;

std::vector<std::string> TextsOf(const json::object& object, absl::string_view name) {
  std::vector<std::string> texts;
  const json::array* const array = ArrayField(object, name);
  if (array == nullptr) return texts;
  for (const json::value& value : *array) {
    if (value.is_string()) texts.emplace_back(value.get_string().c_str());
  }
  return texts;
}

std::string Plural(int64_t count, absl::string_view one) {
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

std::vector<std::string> DoorLines(const json::object& status) {
  std::vector<std::string> lines;
  const json::array* const doors = ArrayField(status, "doors");
  if (doors == nullptr) return {"none"};
  for (const json::value& value : *doors) {
    if (!value.is_object()) continue;
    const json::object& door = value.get_object();
    const std::string name(TextField(door, "door"));
    const std::vector<std::string> sockets = TextsOf(door, "sockets");
    if (!sockets.empty()) {
      lines.push_back(absl::StrCat(name, " ", absl::StrJoin(sockets, " "), ", ",
                                   Plural(NumberField(door, "connections"), "connection")));
    }
    for (const std::string& missing : TextsOf(door, "missing")) {
      lines.push_back(absl::StrCat(name, " not served: ", missing));
    }
  }
  if (lines.empty()) lines.emplace_back("none");
  return lines;
}

std::vector<std::string> CacheLines(const json::object& cache) {
  std::string what = FlagField(cache, "persistent") ? std::string(TextField(cache, "map")) : "in memory only";
  absl::StrAppend(&what, ", ", Plural(NumberField(cache, "records"), "record"), ", ",
                  Plural(NumberField(cache, "domains"), "domain"));
  if (const int64_t bytes = NumberField(cache, "file_bytes"); bytes > 0) {
    absl::StrAppend(&what, ", ", (bytes + 1023) / 1024, " KB");
  }
  if (const int64_t errors = NumberField(cache, "write_errors"); errors > 0) {
    absl::StrAppend(&what, ", ", Plural(errors, "change"), " not written since the start");
  }
  return {what};
}

std::vector<std::string> SettingsLines(const json::object& settings) {
  std::string from(TextField(settings, "file"));
  if (const absl::string_view postfix = TextField(settings, "postfix"); !postfix.empty()) {
    absl::StrAppend(&from, " and ", postfix);
  }
  const absl::string_view in_force = TextField(settings, "in_force");
  std::vector<std::string> lines;
  if (in_force == "file") {
    lines.push_back(from);
  } else {
    lines.push_back(absl::StrCat(in_force == "stopgap" ? "none that verify anything" : "those of before", ", because ",
                                 from, " can not be used:"));
    for (std::string& wrong : TextsOf(settings, "wrong")) lines.push_back(std::move(wrong));
  }
  if (const absl::string_view when = TextField(settings, "last_reload"); !when.empty()) {
    const absl::string_view error = TextField(settings, "reload_error");
    lines.push_back(absl::StrCat("reloaded ", when, error.empty() ? "" : ": ", error));
  }
  const std::vector<std::string> later = TextsOf(settings, "wait_for_restart");
  if (!later.empty()) lines.push_back(absl::StrCat("after a restart only: ", absl::StrJoin(later, ", ")));
  return lines;
}

// Leaves out the remarks that the summary has already.
std::vector<std::string> RemarkLines(const json::object& status) {
  std::vector<std::string> lines;
  const json::array* const remarks = ArrayField(status, "remarks");
  if (remarks == nullptr) return lines;
  for (const json::value& remark : *remarks) {
    if (remark.is_object() && NumberField(remark.get_object(), "level") == 0) {
      lines.emplace_back(TextField(remark.get_object(), "text"));
    }
  }
  return lines;
}

}  // namespace

std::string StatusScreen(const json::object& status) {
  std::string out = absl::StrCat(TextField(status, "summary"), "\n");
  PutLines(
      out, "version",
      {absl::StrCat(TextField(status, "version"), ", up for ", Rough(absl::Seconds(NumberField(status, "uptime_s"))))});
  PutLines(out, "doors", DoorLines(status));
  if (const json::object* const cache = ObjectField(status, "cache"); cache != nullptr) {
    PutLines(out, "cache", CacheLines(*cache));
  }
  const absl::string_view every = TextField(status, "domains");
  PutLines(out, "domains",
           {absl::StrCat(every.empty() ? absl::StrCat(NumberField(status, "domains")) : std::string("every one"), ", ",
                         Plural(NumberField(status, "routes"), "route"))});
  for (const auto& [name, field] : {std::pair("not believed", "not_believed"), std::pair("on hold", "on_hold")}) {
    std::vector<std::string> texts = TextsOf(status, field);
    if (texts.empty()) texts.emplace_back("none");
    PutLines(out, name, std::move(texts));
  }
  if (const json::object* const settings = ObjectField(status, "settings"); settings != nullptr) {
    PutLines(out, "settings", SettingsLines(*settings));
  }
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
  const int code = Answer(asker, request, quiet, [&](absl::string_view line, const json::object& status) {
    level = static_cast<int>(NumberField(status, "level"));
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
