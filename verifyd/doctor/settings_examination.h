// Examines the settings and the clock without asking anybody.
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

// The refusals of recipients in the daemon's record.
struct RefusalHistory {
  bool covers_a_week = false;   // there are decisions that are older
  uint64_t refused = 0;         // within the week, in earnest or not, as known not to exist
  uint64_t contradictions = 0;  // refusals that are probably a mistake, as the record has noticed
};

// Returns whether the system says that its clock is kept right (adjtimex(2)); nothing where it does not say.
std::optional<bool> ClockSynchronised();

Examination ExamineClock(absl::Time now, std::optional<bool> synchronised);
// Judges the name in EHLO by its look.
Examination ExamineHeloName(const Configuration& configuration);
// Judges the domain of the probe sender likewise.
Examination ExamineSenderDomain(const Configuration& configuration, absl::Time now);
Examination ExamineVerifyDomains(const Configuration& configuration);
Examination ExamineRejectCode(const Configuration& configuration, const std::optional<RefusalHistory>& history);

// For `verifyd --check`: those of the above that are not well, and that no warning of the configuration covers.
Examinations ExamineSettings(const Configuration& configuration, absl::Time now, std::optional<bool> synchronised);

// Returns the domain of the probe sender; empty for the null sender.
std::string SenderDomain(const Configuration& configuration, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_SETTINGS_EXAMINATION_H_
