#include "verifyd/configuration/stopgap_settings.h"

#include <array>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/input_file.h"
#include "verifyd/settings/settings.h"

namespace verifyd {
namespace {

// Those that others may refer to come first.
constexpr Setting kNeeded[] = {"data_directory",
                               "queue_directory",
                               "syslog_name",
                               "syslog_facility",
                               "log_sink",
                               "log_address",
                               "address_verify_cache_privacy_key_file",
                               "listen_beyond_loopback",
                               "internal_error_action",
                               "verify_service_greeting",
                               "control_socket"};
constexpr std::array<absl::string_view, 3> kOfDoors = {"_listen", "_connection_limit", "_request_rate_limit"};

size_t RankOf(const Assignment& assignment) {
  return static_cast<size_t>(
      absl::c_find_if(kNeeded, [&](Setting needed) { return needed.name() == assignment.name; }) - std::begin(kNeeded));
}

bool IsNeeded(const Assignment& assignment) {
  return RankOf(assignment) < std::size(kNeeded) ||
         absl::c_any_of(kOfDoors, [&](absl::string_view ending) { return absl::EndsWith(assignment.name, ending); });
}

// Those that can be read, although others can not: each is parsed by itself, with its continuation lines.
std::vector<Assignment> ReadableAssignments(const std::string& file, absl::string_view text) {
  std::vector<Assignment> readable;
  std::string one;
  const auto take = [&] {
    absl::StatusOr<std::vector<Assignment>> parsed = ParseSettingFile(file, std::exchange(one, ""));
    if (!parsed.ok()) return;
    for (Assignment& assignment : *parsed) readable.push_back(std::move(assignment));
  };
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!line.empty() && !absl::ascii_isspace(static_cast<unsigned char>(line[0])) && line[0] != '#') take();
    absl::StrAppend(&one, line, "\n");
  }
  take();
  return readable;
}

absl::StatusOr<Configuration> MeaningOf(const std::vector<Assignment>& assignments) {
  // Answers are not kept: the cache is left for the daemon that has its settings.
  const std::vector<Assignment> own = {{"address_verify_map", "", "the stopgap"}};
  const absl::StatusOr<Settings> settings = Settings::Load(assignments, own);
  if (!settings.ok()) return settings.status();
  return Configuration::Create(*settings);
}

}  // namespace

Configuration StopgapOf(const std::string& settings_file, absl::string_view text,
                        const std::vector<Assignment>& options) {
  std::vector<Assignment> candidates = ReadableAssignments(settings_file, text);
  candidates.insert(candidates.end(), options.begin(), options.end());
  std::erase_if(candidates, [](const Assignment& assignment) { return !IsNeeded(assignment); });
  absl::c_stable_sort(candidates, [](const Assignment& a, const Assignment& b) { return RankOf(a) < RankOf(b); });
  std::vector<Assignment> right = {};
  absl::StatusOr<Configuration> configuration = MeaningOf(right);
  if (!configuration.ok()) {
    // The system has no name.
    right.push_back({"myhostname", "localhost.localdomain", "the stopgap"});
    configuration = MeaningOf(right);
  }
  for (Assignment& candidate : candidates) {
    right.push_back(std::move(candidate));
    absl::StatusOr<Configuration> with = MeaningOf(right);
    if (with.ok()) {
      configuration = std::move(with);
    } else {
      right.pop_back();
    }
  }
  configuration->stand_in = StandIn::kStopgap;
  configuration->door_settings.mail.decides = false;
  configuration->warnings.clear();
  return *std::move(configuration);
}

Configuration LoadStopgap(const std::string& settings_file, const std::vector<Assignment>& options) {
  return StopgapOf(settings_file, ReadInputFile(settings_file, kMaxSettingText).value_or(""), options);
}

}  // namespace verifyd
