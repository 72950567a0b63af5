#include "verifyctl/log_line.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace verifyd {
namespace {

constexpr size_t kLongestQueueId = 40;
constexpr absl::string_view kSyslogTime = "Nov 25 20:00:01";
constexpr absl::Duration kLogClockSkew = absl::Hours(24);

// Takes the text in front of the first `end`, and `end` itself.
std::optional<absl::string_view> TakeUpTo(absl::string_view& text, absl::string_view end) {
  const size_t length = text.find(end);
  if (length == 0 || length == absl::string_view::npos) return std::nullopt;
  const absl::string_view taken = text.substr(0, length);
  text.remove_prefix(length + end.size());
  return taken;
}

bool AllOf(absl::string_view text, bool (*holds)(unsigned char)) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return holds(static_cast<unsigned char>(c)); });
}

// Takes time, host, program and process off `rest`.
bool TakeHead(absl::string_view& rest, LogLine& parsed) {
  if (rest.empty()) return false;
  if (absl::ascii_isdigit(static_cast<unsigned char>(rest.front()))) {
    const std::optional<absl::string_view> time = TakeUpTo(rest, " ");
    if (!time.has_value()) return false;
    parsed.time = *time;
  } else {
    parsed.time = rest.substr(0, kSyslogTime.size());
    rest.remove_prefix(parsed.time.size());
    if (!absl::ConsumePrefix(&rest, " ")) return false;
  }
  const std::optional<absl::string_view> host = TakeUpTo(rest, " ");
  if (!host.has_value()) return false;
  const std::optional<absl::string_view> tag = TakeUpTo(rest, "[");
  if (!tag.has_value() || !AllOf(*tag, absl::ascii_isgraph)) return false;
  const size_t slash = tag->rfind('/');
  if (slash == absl::string_view::npos) return false;
  parsed.program = tag->substr(slash + 1);
  const std::optional<absl::string_view> process = TakeUpTo(rest, "]: ");
  return process.has_value() && AllOf(*process, absl::ascii_isdigit);
}

}  // namespace

bool IsPostfixLine(absl::string_view line) {
  LogLine parsed;
  return TakeHead(line, parsed);
}

std::optional<LogLine> ParseLogLine(absl::string_view line) {
  LogLine parsed;
  absl::string_view rest = line;
  if (!TakeHead(rest, parsed)) return std::nullopt;
  const std::optional<absl::string_view> queue_id = TakeUpTo(rest, ": ");
  if (!queue_id.has_value() || queue_id->size() > kLongestQueueId || !AllOf(*queue_id, absl::ascii_isalnum)) {
    return std::nullopt;
  }
  parsed.queue_id = *queue_id;
  parsed.text = rest;
  return parsed;
}

std::optional<absl::Time> ParseLogTime(absl::string_view time, absl::TimeZone zone, absl::Time now) {
  absl::Time parsed;
  std::string error;
  if (absl::StrContains(time, 'T')) {
    for (const absl::string_view format : {"%Y-%m-%d%ET%H:%M:%E*S%Ez", "%Y-%m-%d%ET%H:%M:%E*S%z"}) {
      if (absl::ParseTime(format, time, &parsed, &error)) return parsed;
    }
    return std::nullopt;
  }
  const auto year = zone.At(now + kLogClockSkew).cs.year();
  // The 29th of February is not in every year.
  for (auto guess = year; guess > year - 5; --guess) {
    if (!absl::ParseTime("%Y %b %d %H:%M:%S", absl::StrCat(guess, " ", time), zone, &parsed, &error)) continue;
    if (parsed <= now + kLogClockSkew) return parsed;
  }
  return std::nullopt;
}

}  // namespace verifyd
