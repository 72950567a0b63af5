// The configuration: the meaning of the settings for each room, checked as a whole. A reload makes a new one or keeps
// the old one.
//
// Thread: any (immutable).
#ifndef VERIFYD_VERIFYD_CONFIGURATION_CONFIGURATION_H_
#define VERIFYD_VERIFYD_CONFIGURATION_CONFIGURATION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/log.h"
#include "cache/cache.h"
#include "classifier/classifier.h"
#include "dns/cares_resolver.h"
#include "probe/probe_settings.h"
#include "verifyd/configuration/privacy.h"
#include "verifyd/configuration/table_file.h"
#include "verifyd/door/door_settings.h"
#include "verifyd/door/exchange.h"
#include "verifyd/door/listener.h"
#include "verifyd/history/decision_record.h"
#include "verifyd/restriction/restrictions.h"
#include "verifyd/settings/postfix_settings.h"
#include "verifyd/settings/settings.h"
#include "verifyd/verifier/verifier.h"

namespace verifyd {

// One door of the table (door/door_table.h).
struct DoorConfiguration {
  std::vector<ListenAddress> listen;
  ExchangeLimits limits;
};

// Stands in for a settings file that can not be used: the settings that were in force before (last_good_settings.h), or
// as much of the file as gives every client an answer (stopgap_settings.h).
enum class StandIn : uint8_t { kNone, kLastGood, kStopgap };

struct Configuration {
  std::shared_ptr<const Settings> settings;
  StandIn stand_in = StandIn::kNone;
  LogOptions log;
  Privacy privacy;
  CacheSettings cache;
  ResolverSettings resolver;
  std::shared_ptr<const ProbeSettings> probe;
  TrustAnchors trust_anchors;
  int probe_threads = 1;  // 0: the front loop probes, too
  std::shared_ptr<const Classifier> classifier;
  std::shared_ptr<const VerifierSettings> verifier;
  std::shared_ptr<const RestrictionSettings> restrictions;
  DecisionRecordSettings decision_record;
  DoorSettings door_settings;
  std::vector<DoorConfiguration> doors;  // in the order of the table
  std::string control_socket;
  // The files as they were just before they were read.
  std::vector<TableFile> table_files;
  // Settings that are allowed but probably not meant; for the log and --check.
  std::vector<std::string> warnings;

  // Reads the tables, and takes the values of Postfix anew. The error has all faults, those of the settings themselves,
  // too, a line each: where it was said, the setting, what was found and what was expected. A fault of a value of
  // Postfix is a warning.
  static absl::StatusOr<Configuration> Create(const Settings& settings, const PostfixSource& source = {});
  // Reads the settings of `path` and `options`, and creates their configuration.
  static absl::StatusOr<Configuration> Load(const std::string& path, const std::vector<Assignment>& options,
                                            const PostfixSource& source = {});
};

// Names the settings that differ between the two and take effect only after a restart.
std::vector<std::string> ChangedButNotReloadable(const Settings& before, const Settings& after);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_CONFIGURATION_CONFIGURATION_H_
