// verifyd's own house: the files of its cache, their disk, its tables and sockets, and what main.cf of Postfix has that
// verifyd.cf has not. Nobody is asked; files are looked at.
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

// Each file of the cache belongs to who has its folder, and that can be written.
Examination ExamineCacheFile(const Configuration& configuration);
// Of the cache.
Examination ExamineDisk(const Configuration& configuration);
// Those that are empty, or that who has the cache's folder (the service) may not read; nothing where all is well.
Examinations ExamineTables(const Configuration& configuration);
// The socket of Postfix that is asked for routes; nothing where none is.
std::optional<Examination> ExamineRouteService(const Configuration& configuration);
// `main_cf` is there, and says where mail goes by settings that verifyd has as well and that are not set here. Nothing
// where there is no such file.
std::optional<Examination> ExaminePostfix(const Configuration& configuration, const std::string& main_cf);

// All of the above, as the settings say.
Examinations ExamineSelf(const Configuration& configuration);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOCTOR_SELF_EXAMINATION_H_
