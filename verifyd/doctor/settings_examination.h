// What can be said of the settings and the clock without asking anybody.
//
// Thread: any (pure functions).
#ifndef VERIFYD_VERIFYD_DOCTOR_SETTINGS_EXAMINATION_H_
#define VERIFYD_VERIFYD_DOCTOR_SETTINGS_EXAMINATION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/doctor/examination.h"

namespace verifyd {

// What the daemon's record says of the refusals of recipients.
struct RefusalHistory {
  bool covers_a_week = false;   // there are decisions that are older
  uint64_t refused = 0;         // within the week, in earnest or not, as known not to exist
  uint64_t contradictions = 0;  // what the record has noticed: refusals that are probably a mistake
};

// Whether the system says that its clock is kept right by somebody (adjtimex(2)); nothing where it does not say.
std::optional<bool> ClockSynchronised();

Examination ExamineClock(absl::Time now, std::optional<bool> synchronised);
// The name in EHLO, as far as its look goes.
Examination ExamineHeloName(const Configuration& configuration);
// The domain of the probe sender, likewise.
Examination ExamineSenderDomain(const Configuration& configuration, absl::Time now);
Examination ExamineVerifyDomains(const Configuration& configuration);
Examination ExamineRejectCode(const Configuration& configuration, const std::optional<RefusalHistory>& history);

// For `verifyd --check`: what of the above is not well, and no warning of the configuration says already.
Examinations ExamineSettings(const Configuration& configuration, absl::Time now, std::optional<bool> synchronised);

// The domain that the probe sender is of; empty for the null sender.
std::string SenderDomain(const Configuration& configuration, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_SETTINGS_EXAMINATION_H_
