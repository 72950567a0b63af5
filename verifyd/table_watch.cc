#include "verifyd/table_watch.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/log.h"

namespace verifyd {

void TableWatch::Watch(const Configuration& configuration) {
  settings_ = configuration.settings;
  stand_in_ = configuration.stand_in;
  since_read_ = absl::ZeroDuration();
  warnings_ = configuration.warnings;
  files_.clear();
  for (const auto& [path, mark] : configuration.table_files) {
    files_.push_back({.path = path, .read = mark, .seen = mark, .refused = mark});
  }
  timer_.SetAfter(kInterval, [this] { Look(); });
}

void TableWatch::Look() {
  timer_.SetAfter(kInterval, [this] { Look(); });
  bool still = true;
  std::vector<std::string> changed;
  for (Watched& file : files_) {
    const FileMark now = FileMark::Of(file.path);
    if (std::exchange(file.seen, now) != now) still = false;
    if (now != file.read && now != file.refused) changed.push_back(file.path);
  }
  since_read_ += kInterval;
  const bool retry = !settings_->postfix_error().empty() && since_read_ >= kRetry;
  if (still && (retry || !changed.empty())) ReadAgain(changed);
}

void TableWatch::ReadAgain(const std::vector<std::string>& changed) {
  since_read_ = absl::ZeroDuration();
  absl::StatusOr<Configuration> loaded =
      Configuration::Create(*settings_, {.ask = ask_, .before = settings_->postfix()});
  if (!loaded.ok() && changed.empty()) return;  // the fault was told when it changed
  if (!loaded.ok()) {
    for (Watched& file : files_) file.refused = file.seen;
    for (const absl::string_view line : absl::StrSplit(loaded.status().message(), '\n')) {
      LogError(absl::StrCat("tables: ", line, "; what was read before stays in force"));
    }
    return;
  }
  loaded->stand_in = stand_in_;
  const bool nothing_new = changed.empty() && !loaded->settings->postfix_error().empty();
  if (nothing_new) return;
  for (const std::string& warning : loaded->warnings) {
    if (!absl::c_linear_search(warnings_, warning)) LogWarning(warning);
  }
  Watch(*loaded);
  take_(*std::move(loaded));
  LogInfo(absl::StrCat("tables read again: ", changed.empty() ? "Postfix's" : absl::StrJoin(changed, ", ")));
}

}  // namespace verifyd
