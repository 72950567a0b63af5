// The daemon's supply for the api, which knows neither settings nor configuration: their meaning for it, and the
// finished answers of routes that show them.
//
// Thread: any (pure functions); StatusAnswer that of the cache.
#ifndef VERIFYD_VERIFYD_API_SUPPLY_H_
#define VERIFYD_VERIFYD_API_SUPPLY_H_

#include <string>

#include "absl/time/time.h"
#include "cache/cache.h"
#include "verifyd/api/route.h"
#include "verifyd/configuration/configuration.h"
#include "verifyd/status.h"

namespace verifyd {

// For the start, and for each reload.
ApiSettings ApiSettingsOf(const Configuration& configuration);
// The body of GET /v1/config.
std::string ConfigAnswer(const Configuration& configuration);
// The body of GET /v1/status.
std::string StatusAnswer(DaemonStatus daemon, const Configuration& configuration, Cache& cache, absl::Time now);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_API_SUPPLY_H_
