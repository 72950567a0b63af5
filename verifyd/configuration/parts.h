// The parts of a configuration: each fills in the settings of one room, in a file of its own (NAME_part.cc). They run
// in the order in which they stand here: later ones use the results of earlier ones.
//
// Thread: any. The faults of the settings go to the draft's faults and warnings (draft.h).
#ifndef VERIFYD_VERIFYD_CONFIGURATION_PARTS_H_
#define VERIFYD_VERIFYD_CONFIGURATION_PARTS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "probe/probe_settings.h"
#include "verifyd/configuration/draft.h"

namespace verifyd {

void FillLog(const Draft& draft);
void FillCache(const Draft& draft);
// Fills in `probe` of the draft's configuration, of routes, the client and its pace; the classifier, too.
void FillProbe(const Draft& draft);
void FillRoutes(const Draft& draft, ProbeSettings& probe);
// Fills in the behaviour of the client, which each transport of master.cf may change.
void FillClient(const Draft& draft, ProbeSettings& probe);
// Returns how single destinations differ from `probe`; null: they do not.
absl::StatusOr<std::shared_ptr<const DestinationSettings>> DestinationsFor(const Settings& settings,
                                                                           const ProbeSettings& probe);
// Fills in the transports of master.cf whose -o are settings that hold for them alone.
void FillTransports(const Draft& draft, ProbeSettings& probe);
void FillVerifier(const Draft& draft);
void FillRestrictions(const Draft& draft);
void FillDoors(const Draft& draft);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_PARTS_H_
