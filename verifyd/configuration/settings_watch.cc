#include "verifyd/configuration/settings_watch.h"

namespace verifyd {

void SettingsWatch::Start() {
  read_ = seen_ = FileMark::Of(file_);
  since_read_ = absl::ZeroDuration();
  timer_.SetAfter(kInterval, [this] { Look(); });
}

void SettingsWatch::Look() {
  const FileMark now = FileMark::Of(file_);
  since_read_ += kInterval;
  const bool written = now != read_ && now == seen_;
  seen_ = now;
  timer_.SetAfter(kInterval, [this] { Look(); });
  if (!written && since_read_ < kReminder) return;
  read_ = now;
  since_read_ = absl::ZeroDuration();
  take_(load_());
}

}  // namespace verifyd
