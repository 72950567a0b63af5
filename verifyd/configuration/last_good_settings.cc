#include "verifyd/configuration/last_good_settings.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/input_file.h"
#include "base/kept_file.h"
#include "base/status_macros.h"
#include "verifyd/settings/setting_syntax.h"

namespace verifyd {
namespace {

// Returns the first line. It names the settings file, because a daemon with another one may have the same
// data_directory.
std::string HeadFor(const std::string& settings_file) {
  return absl::StrCat("# What was last in force of ", settings_file,
                      "; written by verifyd, read where that can not be.\n");
}

}  // namespace

std::string LastGoodSettingsFile(const std::string& data_directory) {
  return absl::StrCat(data_directory, "/settings.good");
}

absl::Status KeepLastGoodSettings(const Settings& settings, const std::string& settings_file) {
  const std::string file = LastGoodSettingsFile(settings.Text("data_directory"));
  std::string text = HeadFor(settings_file);
  for (const Assignment& assignment : settings.Assignments()) {
    absl::StrAppend(&text, assignment.name, " = ", assignment.value, "\n");
  }
  return KeepFile(file, text);
}

absl::StatusOr<Configuration> LoadLastGoodSettings(const std::string& data_directory,
                                                   const std::string& settings_file) {
  const std::string file = LastGoodSettingsFile(data_directory);
  const std::string text = ReadInputFile(file, kMaxSettingText).value_or("");
  if (!absl::StartsWith(text, HeadFor(settings_file))) {
    return absl::NotFoundError(absl::StrCat("no settings of before are kept in ", file));
  }
  ASSIGN_OR_RETURN(const std::vector<Assignment> assignments, ParseSettingFile(file, text));
  ASSIGN_OR_RETURN(const Settings settings, Settings::Load(assignments, {}));
  ASSIGN_OR_RETURN(Configuration configuration, Configuration::Create(settings));
  configuration.stand_in = StandIn::kLastGood;
  return configuration;
}

}  // namespace verifyd
