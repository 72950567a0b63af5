// The settings watch: reads a settings file that can not be used again by itself, so that the operator only has to mend
// it. The watch looks at the file every 5 s, and reads it when it has changed and then stayed the same for a whole
// interval. It also reads it once a minute, because the fault may be in a table that the file names.
//
// Thread: its loop's only. The file may lie on a slow disk, so nothing else may wait on that loop.
#ifndef VERIFYD_VERIFYD_CONFIGURATION_SETTINGS_WATCH_H_
#define VERIFYD_VERIFYD_CONFIGURATION_SETTINGS_WATCH_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "base/timer.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/configuration/table_file.h"

namespace verifyd {

class SettingsWatch {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(5);
  static constexpr absl::Duration kReminder = absl::Minutes(1);

  using Load = std::function<absl::StatusOr<Configuration>()>;
  using Take = std::function<void(absl::StatusOr<Configuration> loaded)>;
  // `take` gets the result of `load`, good or bad. `loop` outlives the watch.
  SettingsWatch(Loop& loop, std::string file, Load load, Take take)
      : file_(std::move(file)), load_(std::move(load)), take_(std::move(take)), timer_(loop.timers()) {}

  // Call it when the file has just been read, and can not be used.
  void Start();
  // Call it when the file can be used.
  void Stop() { timer_.Cancel(); }

 private:
  void Look();

  const std::string file_;
  const Load load_;
  const Take take_;
  Timer timer_;
  FileMark read_;  // when it was last read
  FileMark seen_;  // at the last look
  absl::Duration since_read_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_SETTINGS_WATCH_H_
