// Alarms: lines of the log that say what is wrong on our side and how to mend it, once an hour for each thing, however
// many addresses meet it; and which of them stand, for whoever asks how we are.
//
// Thread: its loop's only.
#ifndef VERIFYD_PROBE_ALARMS_H_
#define VERIFYD_PROBE_ALARMS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
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

  // What was raised within the last hour and since the last Renew, a line each, by what they are about.
  std::vector<std::string> Standing() const;
  // Settings or tables are others now: what still holds will be raised again.
  void Renew() { renewed_ = clock_.Mono(); }

 private:
  struct Alarm {
    std::optional<MonoTime> said;
    MonoTime raised;
    std::string line;  // empty: it was only a warning
  };

  // Whoever makes thousands of domains misbehave does not fill our memory, and one line too few is fine.
  static constexpr size_t kMax = 1000;
  // Null where there is no room for one more.
  Alarm* Find(const std::string& about);
  bool Due(Alarm& alarm) const;

  const Clock& clock_;
  MonoTime renewed_;
  absl::btree_map<std::string, Alarm> alarms_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ALARMS_H_
