#include "verifyd/last_good_settings.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/input_file.h"
#include "base/status_macros.h"
#include "verifyd/setting_syntax.h"

namespace verifyd {
namespace {

// The first line: a daemon with other settings may have the same data_directory.
std::string HeadFor(const std::string& settings_file) {
  return absl::StrCat("# What was last in force of ", settings_file,
                      "; written by verifyd, read where that can not be.\n");
}

absl::Status SystemError(const std::string& file) {
  return absl::UnavailableError(absl::StrCat("can not write ", file, ": ", std::strerror(errno)));
}

bool WriteWhole(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    text.remove_prefix(written < 0 ? 0 : static_cast<size_t>(written));
  }
  return ::fsync(fd) == 0;
}

}  // namespace

std::string LastGoodSettingsFile(const std::string& data_directory) {
  return absl::StrCat(data_directory, "/settings.good");
}

absl::Status KeepLastGoodSettings(const Settings& settings, const std::string& settings_file) {
  const std::string file = LastGoodSettingsFile(settings.Text("data_directory"));
  const std::string made = absl::StrCat(file, ".new");
  std::string text = HeadFor(settings_file);
  for (const Assignment& assignment : settings.Assignments()) {
    absl::StrAppend(&text, assignment.name, " = ", assignment.value, "\n");
  }
  // What somebody has left there is not written through.
  ::unlink(made.c_str());
  const int fd = ::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError(made);
  const bool written = WriteWhole(fd, text);
  const absl::Status status = written ? absl::OkStatus() : SystemError(made);
  ::close(fd);
  if (written && ::rename(made.c_str(), file.c_str()) == 0) return absl::OkStatus();
  absl::Status failed = written ? SystemError(file) : status;
  ::unlink(made.c_str());
  return failed;
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
