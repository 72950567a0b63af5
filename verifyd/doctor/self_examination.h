// verifyd's own house: the files of its cache, their disk, its tables and sockets, and settings of routes that main.cf
// of Postfix has and verifyd.cf has not. Only files are looked at; nobody is asked.
//
// Thread: any.
#ifndef VERIFYD_VERIFYD_DOCTOR_SELF_EXAMINATION_H_
#define VERIFYD_VERIFYD_DOCTOR_SELF_EXAMINATION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "verifyd/configuration/configuration.h"
#include "verifyd/doctor/examination.h"

namespace verifyd {

// Each file of the cache must belong to the owner of its folder, and the owner must be able to write there.
Examination ExamineCacheFile(const Configuration& configuration);
// The cache's disk must have room.
Examination ExamineDisk(const Configuration& configuration);
// Tables that are empty, or that the service (the owner of the cache's folder) may not read; nothing where all is well.
Examinations ExamineTables(const Configuration& configuration);
// The service must be able to reach the socket of Postfix that is asked for routes; nothing where there is none.
std::optional<Examination> ExamineRouteService(const Configuration& configuration);
// verifyd must have the settings by which `main_cf` routes mail. Nothing where there is no such file.
std::optional<Examination> ExaminePostfix(const Configuration& configuration, const std::string& main_cf);

// All of the above, as the settings say.
Examinations ExamineSelf(const Configuration& configuration);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_SELF_EXAMINATION_H_
