#include "verifyd/table_watch.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"

namespace verifyd {

void TableWatch::Watch(const Configuration& configuration) {
  settings_ = configuration.settings;
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
  if (still && !changed.empty()) ReadAgain(changed);
}

void TableWatch::ReadAgain(const std::vector<std::string>& changed) {
  absl::StatusOr<Configuration> loaded = Configuration::Create(*settings_);
  if (!loaded.ok()) {
    for (Watched& file : files_) file.refused = file.seen;
    LogError(absl::StrCat("tables: ", loaded.status().message(), "; what was read before stays in force"));
    return;
  }
  Watch(*loaded);
  take_(*std::move(loaded));
  LogInfo(absl::StrCat("tables read again: ", absl::StrJoin(changed, ", ")));
}

}  // namespace verifyd
