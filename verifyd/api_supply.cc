#include "verifyd/api_supply.h"

#include <utility>

#include "boost/json.hpp"
#include "verifyd/configuration/setting_json.h"
#include "verifyd/json/described.h"

namespace verifyd {

ApiSettings ApiSettingsOf(const Configuration& configuration) {
  return {.usable = configuration.stand_in != StandIn::kStopgap,
          .lifetimes = configuration.cache.lifetimes,
          .patience = configuration.verifier->probe_time_limit,
          .classifier = configuration.classifier,
          .warnings = configuration.warnings};
}

std::string ConfigAnswer(const Configuration& configuration) {
  return boost::json::serialize(ToJson(*configuration.settings));
}

std::string StatusAnswer(DaemonStatus daemon, const Configuration& configuration, Cache& cache, absl::Time now) {
  return boost::json::serialize(AsJson(Shown(StatusOf(std::move(daemon), configuration, cache, now), now)));
}

}  // namespace verifyd
