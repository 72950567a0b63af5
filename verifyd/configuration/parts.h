// The parts of a configuration: each fills what one room takes, in a file of its own (NAME_part.cc). They run in the
// order in which they stand here: later ones use what earlier ones have filled.
//
// Thread: any. What is wrong with the settings goes to the draft's faults and warnings (draft.h).
#ifndef VERIFYD_VERIFYD_CONFIGURATION_PARTS_H_
#define VERIFYD_VERIFYD_CONFIGURATION_PARTS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "probe/probe_settings.h"
#include "verifyd/configuration/draft.h"

namespace verifyd {

void FillLog(const Draft& draft);
void FillCache(const Draft& draft);
// The classifier, too; `probe` of the draft's configuration is made of routes, the client and its pace.
void FillProbe(const Draft& draft);
void FillRoutes(const Draft& draft, ProbeSettings& probe);
// What the client does wherever it asks, and each transport of master.cf may do otherwise.
void FillClient(const Draft& draft, ProbeSettings& probe);
// What destinations want otherwise than `probe`; null: nothing.
absl::StatusOr<std::shared_ptr<const DestinationSettings>> DestinationsFor(const Settings& settings,
                                                                           const ProbeSettings& probe);
// The transports of master.cf whose -o are settings that hold for them alone.
void FillTransports(const Draft& draft, ProbeSettings& probe);
void FillVerifier(const Draft& draft);
void FillRestrictions(const Draft& draft);
void FillDoors(const Draft& draft);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_PARTS_H_
