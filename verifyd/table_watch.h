// The table watch: tables are read again when their files change, without a reload. It looks at them every 5 s. When
// one has changed since it was read, and all have stayed as they are for a whole interval (so none is half written),
// all tables are read, with the settings in force: the settings file may be half edited. Postfix's main.cf and
// master.cf are tables in this sense (postfix_config_directory); where main.cf could not be asked about, that is tried
// again every minute. A fault in a table is logged once for each change, and what was read before stays in force.
//
// Looking is a stat(2) a file, microseconds where the disk is near. But a file may lie on a server that does not
// answer, and a million entries take a second to read. So it has a loop of its own, which nothing waits for.
//
// Thread: its loop's only.
#ifndef VERIFYD_VERIFYD_TABLE_WATCH_H_
#define VERIFYD_VERIFYD_TABLE_WATCH_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/timer.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/configuration/table_file.h"
#include "verifyd/settings/postfix_settings.h"
#include "verifyd/settings/settings.h"

namespace verifyd {

class TableWatch {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(5);
  static constexpr absl::Duration kRetry = absl::Minutes(1);

  // `take` gets a configuration whose tables have been read again and puts it in force. `loop` outlives it.
  using Take = std::function<void(Configuration configuration)>;
  TableWatch(Loop& loop, Take take, AskPostconf ask = AskInstalledPostconf)
      : take_(std::move(take)), ask_(std::move(ask)), timer_(loop.timers()) {}

  // `configuration` is in force from now on: its tables are watched.
  void Watch(const Configuration& configuration);
  // Returns what the settings in force know of Postfix; null: nothing.
  std::shared_ptr<const PostfixSettings> postfix() const {
    return settings_ == nullptr ? nullptr : settings_->postfix();
  }

 private:
  struct Watched {
    std::string path;
    FileMark read;
    FileMark seen;     // at the last look
    FileMark refused;  // when reading all tables failed
  };

  void Look();
  void ReadAgain(const std::vector<std::string>& changed);

  const Take take_;
  const AskPostconf ask_;
  Timer timer_;
  std::shared_ptr<const Settings> settings_;
  StandIn stand_in_ = StandIn::kNone;
  absl::Duration since_read_;
  std::vector<std::string> warnings_;  // already logged
  std::vector<Watched> files_;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_TABLE_WATCH_H_
