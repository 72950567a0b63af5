// Alarms: lines of the log that say what is wrong on our side and how to mend it. Each thing is said once an hour,
// however many addresses meet it. The alarms that stand are listed for the operator.
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

  // `clock` must outlive the alarms.
  explicit Alarms(const Clock& clock) : clock_(clock) {}

  // Logs an error with "ALARM: " in front. A stranger must not be able to cause it.
  void Raise(const std::string& about, absl::string_view line);
  // Logs a warning.
  void Warn(const std::string& about, absl::string_view line);

  // Returns a line for each alarm raised within the last hour and since the last Renew, in the order of `about`.
  std::vector<std::string> Standing() const;
  // Call it when settings or tables have changed: alarms that still hold will be raised again.
  void Renew() { renewed_ = clock_.Mono(); }

 private:
  struct Alarm {
    std::optional<MonoTime> said;
    MonoTime raised;
    std::string line;  // empty: it was only a warning
  };

  // A stranger who makes thousands of domains misbehave must not fill our memory; a line too few does no harm.
  static constexpr size_t kMax = 1000;
  // Returns null if there is no room for one more.
  Alarm* Find(const std::string& about);
  bool Due(Alarm& alarm) const;

  const Clock& clock_;
  MonoTime renewed_;
  absl::btree_map<std::string, Alarm> alarms_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_ALARMS_H_
