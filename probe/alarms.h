// Alarms: lines of the log that say what is wrong on our side and how to mend it, once an hour for each thing, however
// many addresses meet it.
//
// Thread: its loop's only.
#ifndef VERIFYD_PROBE_ALARMS_H_
#define VERIFYD_PROBE_ALARMS_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace verifyd {

class Alarms {
 public:
  static constexpr absl::Duration kAgain = absl::Hours(1);

  // It outlives this.
  explicit Alarms(const Clock& clock) : clock_(clock) {}

  // As an error, with "ALARM: " in front: nobody outside may be able to cause it.
  void Raise(const std::string& about, absl::string_view line);
  // As a warning.
  void Warn(const std::string& about, absl::string_view line);

 private:
  // Whoever makes thousands of domains misbehave does not fill our memory, and one line too few is fine.
  static constexpr size_t kMax = 1000;
  bool Due(const std::string& about);

  const Clock& clock_;
  absl::flat_hash_map<std::string, MonoTime> said_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ALARMS_H_
