// The settings watch: while the settings file can not be used, it is read again by itself, so that mending it is all
// that has to be done. It is looked at every 5 s and read when it has changed and then stayed as it is for a whole
// interval; besides, once a minute, because what is wrong may be a table that the file names.
//
// Thread: its loop's only. The file may lie on a disk that is slow, so nobody waits on that loop.
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
  // `take` gets whatever `load` has made of the file, good or bad. `loop` outlives it.
  SettingsWatch(Loop& loop, std::string file, Load load, Take take)
      : file_(std::move(file)), load_(std::move(load)), take_(std::move(take)), timer_(loop.timers()) {}

  // The file has just been read, and can not be used.
  void Start();
  // It can.
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
